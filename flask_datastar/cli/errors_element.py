"""The element that ``flask datastar init`` adds to the layout; ``docs/howto/errors.md`` explains it."""

#: The template's name.
ERRORS_NAME = "datastar_errors.html"

ERRORS_ELEMENT = """\
{# The client shows neither a status of 400 or more nor a lost connection, so only this element can. The region is
   always present, so that screen readers watch it. #}
<div id="errors" role="alert" aria-live="assertive" data-signals="{_error: '', _isLost: false, _isOffline: false}"
     data-on:offline__window="$_isOffline = el.streams?.size > 0" data-on:online__window="$_isOffline = false"
     data-on:datastar-fetch="
       const {type, el: source, argsRaw} = evt.detail, now = Date.now();
       const streams = el.streams ??= new Set(), answered = el.answered ??= new Set();
       const waits = el.waits ??= new Map();  /* element → time from which its waiting is worth a word */
       const unsure = 'The server is busy or away; this may be done or not';
       const look = () => $_isLost = [...waits.values()].some((time) => time <= Date.now());
       const say = (text) => { $_error = text; el.said = source };
       if (type === 'started') say('');
       else if (type === 'finished') for (const all of [streams, answered, waits]) all.delete(source);
       else if (type === 'retries-failed') say('The server cannot be reached. Is the network up?');
       else if (type === 'error' && !streams.has(source))
         say(({401: 'You are not signed in', 403: 'This is not allowed', 413: 'This is more than the server accepts',
               502: unsure, 503: unsure, 504: unsure}
           [argsRaw.status] ?? 'The server could not do this') + ' (status ' + argsRaw.status + ').');
       else if (type === 'error' || type === 'retrying')
         answered.delete(source) || waits.has(source) || waits.set(source, streams.has(source) ? now : now + 2000);
       else if (type === 'datastar-stream-ending')
         waits.set(source, /failed|refused/.test(argsRaw.reason) ? now : now + 15000 + +(argsRaw.retry ?? 0));
       else {
         waits.delete(source);
         $_isOffline = false;
         if (el.said === source) say('');
         if (type === 'datastar-stream-opened') streams.add(source);
         else if (!streams.has(source)) answered.add(source);
         if (type === 'datastar-csrf-renewed') say('This page was open for a long time. Please do that again.');
       }
       look();
       setTimeout(look, (waits.get(source) ?? now) - now + 50)">
  <div class="error" style="display: none" data-show="$_error || $_isLost || $_isOffline">
    <p data-text="$_error || ($_isLost || $_isOffline ? 'The connection is lost, trying again …' : '')"></p>
    <button type="button" data-on:click="$_error = ''; $_isLost = $_isOffline = false">Dismiss</button>
  </div>
</div>
"""
