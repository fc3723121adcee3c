/* showpieces_load: hold streams open as viewers, and click at a steady rate. Driven by showpieces.py.
 *
 * usage: showpieces_load PORT MARK VIEWERS CLICKS
 *   MARK     the text in front of a click's number wherever its change is sent
 *   VIEWERS  file with a line for each stream: path, cookie, value of Datastar-Live or -
 *   CLICKS   file with a line for each click: number, path, cookie, JSON body
 *
 * Prints "open SECONDS BYTES" when all viewers have their first state, then reads lines "run FROM COUNT RATE", and
 * answers each with "run ANSWERED CLICK_P50 CLICK_P99 SEEN SEEN_P99 BYTES SECONDS"; times of clicks in milliseconds,
 * from the moment at which each was due, until its response, and until one viewer has it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 4096, BUFFER = 1 << 18, NUMBERS = 1000001, HANDS = 64, MOST_SEEN = 8000000, MOST_CLICKS = 1000000 };

typedef struct { int fd, at, number, last; } Viewer;
typedef struct { int fd, is_busy; double due; } Hand;

static int port, poller, viewers, clicks, mark_length;
static const char *mark;
static Viewer *all;
static Hand hands[HANDS];
static char buffer[BUFFER], **lines;
static double due_at[NUMBERS];
static float *seen, *answered;
static long seen_count, answered_count, refused_count, bytes;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int dial(int id) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001)};
    struct timeval patience = {.tv_sec = 30};
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = id};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd < 0 || connect(fd, (void *)&to, sizeof to)) fail("connect");
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    return fd;
}

/* Reads what a viewer has got, and notes how late it has seen each click. */
static void take(Viewer *viewer) {
    ssize_t length;
    while ((length = recv(viewer->fd, buffer, BUFFER, MSG_DONTWAIT)) > 0) {
        bytes += length;
        double time = now();
        for (char *at = buffer, *end = buffer + length; at < end; at++) {
            if (viewer->at == mark_length) {
                if (*at >= '0' && *at <= '9' && viewer->number < NUMBERS / 10 + 1) {
                    viewer->number = viewer->number * 10 + *at - '0';
                    continue;
                }
                int number = viewer->number;
                viewer->at = viewer->number = 0;
                if (number < NUMBERS && due_at[number] && number != viewer->last && seen_count < MOST_SEEN)
                    seen[seen_count++] = time - due_at[number], viewer->last = number;
            }
            if (!viewer->at && !(at = memchr(at, mark[0], end - at))) break;
            viewer->at = *at == mark[viewer->at] ? viewer->at + 1 : *at == mark[0];
        }
    }
    if (!length) fprintf(stderr, "the server closed a stream\n"), exit(1);
}

static void answer(Hand *hand) {
    ssize_t length = recv(hand->fd, buffer, BUFFER - 1, MSG_DONTWAIT);
    if (length <= 0) fprintf(stderr, "the server closed the connection of a click\n"), exit(1);
    buffer[length] = 0;
    if (!hand->is_busy) return; /* the rest of a body */
    refused_count += strncmp(buffer, "HTTP/1.1 20", 11) != 0;
    answered[answered_count++] = now() - hand->due;
    hand->is_busy = 0;
}

static void turn(int wait_ms) {
    struct epoll_event events[BATCH];
    int ready = epoll_wait(poller, events, BATCH, wait_ms);
    for (int i = 0; i < ready; i++)
        if ((int)events[i].data.u32 < viewers) take(&all[events[i].data.u32]);
        else answer(&hands[events[i].data.u32 - viewers]);
}

static void click(Hand *hand, const char *line, double due) {
    static char request[8192];
    char path[1024], cookie[1024], body[1024];
    int number;
    if (sscanf(line, "%d %1023s %1023s %1023[^\n]", &number, path, cookie, body) != 4) fail(line);
    int length = snprintf(request, sizeof request, "POST %s HTTP/1.1\r\nHost: localhost\r\nDatastar-Request: true\r\n"
        "Cookie: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", path, cookie, strlen(body), body);
    due_at[number] = hand->due = due;
    hand->is_busy = 1;
    if (write(hand->fd, request, length) != length) fail("write");
}

static int by_value(const void *a, const void *b) {
    float x = *(float *)a, y = *(float *)b;
    return (x > y) - (x < y);
}

static double part(float *values, long count, double share) {
    if (!count) return 0;
    qsort(values, count, sizeof *values, by_value);
    return values[(long)((count - 1) * share)] * 1e3;
}

static void run(int from, int count, double rate) {
    seen_count = answered_count = refused_count = bytes = 0;
    memset(due_at, 0, sizeof due_at);
    double start = now();
    for (int i = 0; i < count && now() - start < 60;) {
        double due = start + i / rate, left = due - now();
        Hand *idle = NULL;
        for (int j = 0; j < HANDS && !idle; j++) if (!hands[j].is_busy) idle = &hands[j];
        if (left <= 0 && idle) click(idle, lines[from + i++], due), turn(0);
        else turn(left > 0.001 ? (int)(left * 1e3) : idle ? 0 : 1);
    }
    double end = now() + 1; /* for what is still under way */
    while (now() < end) turn(20);
    double seconds = now() - start - 1;
    if (seconds < count / rate) seconds = count / rate; /* the last click is due before */
    if (refused_count) fprintf(stderr, "%ld clicks were refused\n", refused_count), exit(1);
    printf("run %ld %.2f %.2f %ld %.2f %ld %.3f\n", answered_count, part(answered, answered_count, 0.5),
        part(answered, answered_count, 0.99), seen_count, part(seen, seen_count, 0.99), bytes, seconds);
}

static char **read_lines(const char *path, int *count) {
    char **found = malloc(sizeof(char *) * MOST_CLICKS), line[4096];
    FILE *file = fopen(path, "r");
    if (!file) fail(path);
    for (*count = 0; *count < MOST_CLICKS && fgets(line, sizeof line, file);) found[(*count)++] = strdup(line);
    fclose(file);
    return found;
}

int main(int argc, char **argv) {
    if (argc != 5) return fprintf(stderr, "usage: showpieces_load PORT MARK VIEWERS CLICKS\n"), 2;
    port = atoi(argv[1]);
    mark = argv[2];
    mark_length = strlen(mark);
    poller = epoll_create1(0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    seen = malloc(sizeof(float) * MOST_SEEN);
    answered = malloc(sizeof(float) * MOST_CLICKS);
    char **streams = read_lines(argv[3], &viewers), request[8192];
    lines = read_lines(argv[4], &clicks);
    all = calloc(viewers, sizeof *all);
    double start = now();
    for (int i = 0; i < viewers; i++) {
        char path[1024], cookie[1024], live[1024], header[1100] = "";
        if (sscanf(streams[i], "%1023s %1023s %1023s", path, cookie, live) != 3) fail(streams[i]);
        if (strcmp(live, "-")) snprintf(header, sizeof header, "Datastar-Live: %s\r\n", live);
        int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nDatastar-Request: true\r\n"
            "Cookie: %s\r\n%s\r\n", path, cookie, header);
        all[i].fd = dial(i);
        if (write(all[i].fd, request, length) != length) fail("write");
        ssize_t got = recv(all[i].fd, buffer, BUFFER - 1, MSG_PEEK); /* one by one: the accept queue is short */
        buffer[got > 0 ? got : 0] = 0;
        if (strncmp(buffer, "HTTP/1.1 200", 12)) fprintf(stderr, "stream %d: %.200s\n", i, buffer), exit(1);
        turn(0);
    }
    double opened = now() - start;
    for (int i = 0; i < HANDS; i++) hands[i].fd = dial(viewers + i);
    for (double end = now() + 2; now() < end;) turn(20);
    printf("open %.3f %ld\n", opened, bytes);
    for (char line[100]; fgets(line, sizeof line, stdin);) {
        int from, count;
        double rate;
        if (sscanf(line, "run %d %d %lf", &from, &count, &rate) == 3) run(from, count, rate);
    }
    return 0;
}
