"""The cookbook's recipes for messages, as a person uses them."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.live.recipes import check_page, deliver_close, hold_close


def test_toast_appears_and_leaves_by_itself(example, open_page):
    page = open_page()
    page.clock.install()
    page.goto(f"{example.url}cookbook/toast")
    page.get_by_label("Name").fill("<b>Plan</b>")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    toasts = page.locator("#toasts .toast")
    expect(toasts).to_contain_text(["“<b>Plan</b>” is saved."] * 2)
    check_page(page)

    page.get_by_role("button", name="Dismiss").first.click()
    expect(toasts).to_have_count(1)
    page.clock.run_for(6_000)
    expect(toasts).to_have_count(0)


def test_job_says_in_all_windows_that_it_is_done(example, ann):
    windows = [ann, ann.context.new_page()]
    for window in windows:
        with window.expect_response("**/toasts?*"):
            window.goto(f"{example.url}cookbook/job_toast")
    ann.get_by_role("button", name="Send the invoice").click()
    for window in windows:
        expect(window.locator("#toasts .toast")).to_contain_text(["The invoice is sent."])
    check_page(ann)
    windows[1].close()


def test_dialogs_are_opened_closed_and_answered_by_keys(example, ann):
    ann.goto(f"{example.url}cookbook/modal")
    files, rename = ann.locator("#files li > span"), ann.get_by_role("dialog", name="Rename")
    ann.get_by_role("button", name="Rename: Photo").press("Enter")
    expect(rename).to_be_visible()
    hold_close(rename)
    ann.keyboard.press("Escape")
    expect(rename).to_be_hidden()
    expect(ann.get_by_role("button", name="Rename: Photo")).to_be_focused()

    ann.keyboard.press("Enter")
    expect(rename).to_be_visible()
    deliver_close(ann)
    expect(rename).to_be_visible()
    expect(ann.get_by_label("Name", exact=True)).to_have_value("Photo")
    ann.get_by_label("Name", exact=True).fill(" ")
    ann.keyboard.press("Enter")
    expect(ann.get_by_role("alert").filter(has_text="A file needs a name.")).to_be_visible()
    check_page(ann)
    ann.get_by_label("Name", exact=True).fill("<i>Photo</i> 'two'")
    ann.keyboard.press("Enter")
    expect(rename).to_be_hidden()
    expect(files).to_have_text(["Letter", "<i>Photo</i> 'two'", "Song"])

    ann.get_by_role("button", name="Delete: <i>").click()
    expect(ann.get_by_role("alertdialog", name="Delete “<i>Photo</i> 'two'”?")).to_be_visible()
    expect(ann.get_by_role("button", name="Keep it")).to_be_focused()
    ann.keyboard.press("Enter")
    expect(files).to_have_count(3)
    ann.get_by_role("button", name="Delete: Song").click()
    ann.get_by_role("button", name="Delete", exact=True).click()
    expect(files).to_have_text(["Letter", "<i>Photo</i> 'two'"])
    expect(ann.locator("dialog[open]")).to_have_count(0)

    ann.once("dialog", lambda dialog: dialog.accept())
    ann.get_by_role("button", name="Start over").click()
    expect(files).to_have_text(["Letter", "Photo", "Song"])


def test_what_was_archived_comes_back(example, ann):
    ann.goto(f"{example.url}cookbook/undo")
    mails = ann.locator("#mails li > span")
    expect(mails).to_have_count(5)
    ann.get_by_role("button", name="Archive: Your invoice").press("Enter")
    expect(mails).to_have_count(4)
    expect(ann.get_by_role("button", name="Undo")).to_be_focused()
    ann.get_by_role("button", name="Archive: Photos").click()
    expect(mails).to_have_text(["Lunch on Friday?", "Minutes of the meeting", "New keys"])
    expect(ann.get_by_role("status").filter(has_text="“Photos” is archived.")).to_be_visible()
    check_page(ann)

    ann.keyboard.press("Control+z")
    expect(mails).to_have_text(["Lunch on Friday?", "Minutes of the meeting", "Photos", "New keys"])
    expect(ann.get_by_role("button", name="Undo")).to_have_count(0)


def test_notification_reaches_all_windows_of_its_user_alone(example, ann, bob):
    second_window = ann.context.new_page()
    for page in (ann, second_window, bob):
        with page.expect_response("**/inbox?*"):
            page.goto(f"{example.url}cookbook/notify")
    for text in ("first", "2", "3", "4", "<b>again</b>"):
        ann.get_by_label("Message").fill(text)
        ann.get_by_label("Message").press("Enter")
        expect(ann.get_by_label("Message")).to_have_value("")
    bob.get_by_label("To", exact=True).fill(ann.locator("#address").inner_text())
    bob.get_by_label("Message").fill("from Bob")
    bob.get_by_role("button", name="Send").click()

    for page in (ann, second_window):
        expect(page.locator("#notices > p")).to_have_text(["from Bob", "<b>again</b>", "4", "3", "2"])
    expect(bob.get_by_label("Message")).to_have_value("")
    expect(bob.locator("#notices > p")).to_have_count(0)
    check_page(ann)
