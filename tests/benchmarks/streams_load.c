/* streams_load: hold event streams open, publish to them, leave, or wait for their end. Driven by streams.py.
 *
 * usage: streams_load PORT STREAM_PATH PUBLISH_PATH STREAMS [PROTOCOL]
 *   STREAM_PATH   fetched with GET by each client; {i} becomes its number, from 0
 *   PUBLISH_PATH  fetched with POST once a round; {k} becomes the number of events to publish
 *   PROTOCOL      sse, the default; quiet, for a server that sends nothing before its first event; socketio;
 *                 live:VALUE, for a page's own stream, with the value of its header; zstd or gzip, for compressed ones
 * Each published event contains the four letters MARK once, and nothing else contains them. Compressed ones are counted
 * by their blocks.
 *
 * Prints "open SECONDS", then reads commands, one a line, and answers with a line each; times are of CLOCK_MONOTONIC:
 *   round K    publish K events: "round DELIVERED SECONDS P99_MS AFTER_MS": until the last delivery, until a stream has
 *              all of them, and from the publisher's response to the last delivery (negative if it comes later)
 *   leave M    close M connections: "left TIME", when the first was closed
 *   replace M  close the M oldest connections and open M others: "replaced SECONDS", until all have received something
 *   bytes      "bytes RECEIVED", by all clients since the last time
 *   end        wait until the server has closed all of them: "ended CLEAN TIME"; clean is a body with its last chunk
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "streams_coded.h"

enum { BATCH = 4096, BUFFER = 65536 };
static const char MARK[] = "MARK", LAST_CHUNK[] = "0\r\n\r\n";

typedef struct {
    int fd, mark_at, chunk_at, is_open;
    long events;
    Wire wire;
} Client;

static int port, poller, streams;
static enum coding coding;
static long received;
static Client *clients;
static char buffer[BUFFER];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int dial(int number) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001)};
    /* A source address for every 8000 clients, so that local ports do not run out. */
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002 + number / 8000)};
    struct timeval patience = {.tv_sec = 30}; /* of connect, and of a read that is to wait */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (fd < 0 || bind(fd, (void *)&from, sizeof from) || connect(fd, (void *)&to, sizeof to)) fail("connect");
    return fd;
}

/* Returns how much of a pattern has matched after one more character. For patterns that do not repeat their start. */
static int step(const char *pattern, int at, char c) {
    if (pattern[at] == c) return at + 1;
    return pattern[0] == c;
}

/* Reads what has arrived and returns the number of whole MARKs; sets closed if the server has closed. */
static int take(Client *client, int *closed) {
    int marks = 0;
    ssize_t length;
    while ((length = read(client->fd, buffer, BUFFER)) > 0) {
        client->is_open = 1;
        received += length;
        if (coding) marks += count_coded(&client->wire, coding, buffer, length);
        else for (char *at = buffer, *end = buffer + length; at < end; at++) {
            /* Events may be long, and there are thousands of them. */
            if (!client->mark_at && !(at = memchr(at, MARK[0], end - at))) break;
            if ((client->mark_at = step(MARK, client->mark_at, *at)) == 4) client->mark_at = 0, marks++;
        }
        /* A body ends with its last chunk, so nothing before the last bytes counts. */
        if (length >= 5) client->chunk_at = 0;
        for (ssize_t i = length < 5 ? 0 : length - 5; i < length; i++)
            client->chunk_at = step(LAST_CHUNK, client->chunk_at == 5 ? 0 : client->chunk_at, buffer[i]);
    }
    *closed = length == 0;
    return marks;
}

/* Reads until a text has arrived. */
static void expect(int number, const char *text) {
    size_t have = 0;
    while (!memmem(buffer, have, text, strlen(text))) {
        ssize_t got = have < BUFFER ? read(clients[number].fd, buffer + have, BUFFER - have) : 0;
        if (got <= 0) fprintf(stderr, "stream %d: no %s in %.*s\n", number, text, (int)have, buffer), exit(1);
        have += got;
    }
}

/* Opens Socket.IO's own connection inside each WebSocket, by a frame with the text 40. */
static void join_socketio(int from, int to) {
    static const char JOIN[] = {(char)0x81, (char)0x82, 0, 0, 0, 0, '4', '0'};
    for (int i = from; i < to; i++) {
        expect(i, "\"sid\"");
        if (write(clients[i].fd, JOIN, sizeof JOIN) != sizeof JOIN) fail("write");
    }
    for (int i = from; i < to; i++) expect(i, "40{");
}

/* Writes the request of a client, with its number and the protocol's own headers. */
static void ask(int i, const char *path, const char *more) {
    char request[4096], digits[16] = "";
    const char *number = strstr(path, "{i}");
    int before = number ? (int)(number - path) : (int)strlen(path);
    if (number) snprintf(digits, sizeof digits, "%d", i);
    int length = snprintf(request, sizeof request, "GET %.*s%s%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", before, path,
        digits, number ? number + 3 : "", more);
    clients[i].fd = dial(i);
    if (write(clients[i].fd, request, length) != length) fail("write");
}

static void poll_client(int i) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);
    epoll_ctl(poller, EPOLL_CTL_ADD, clients[i].fd, &event);
}

/* Writes the headers that a protocol adds. */
static void write_headers(char *more, size_t size, const char *protocol) {
    if (!strcmp(protocol, "socketio"))
        snprintf(more, size, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n");
    else
        snprintf(more, size, "Accept: text/event-stream\r\nDatastar-Request: true\r\n%s%s%s",
            coding ? "Accept-Encoding: " : !strncmp(protocol, "live:", 5) ? "Datastar-Live: " : "",
            coding ? protocol : !strncmp(protocol, "live:", 5) ? protocol + 5 : "",
            coding || !strncmp(protocol, "live:", 5) ? "\r\n" : "");
}

static void open_all(const char *path, const char *protocol) {
    char more[4096];
    int is_socketio = !strcmp(protocol, "socketio"), is_quiet = !strcmp(protocol, "quiet");
    write_headers(more, sizeof more, protocol);
    double start = now();
    for (int i = 0; i < streams; i++) {
        ask(i, path, more);
        if (is_quiet) {
            clients[i].is_open = 1;
        } else if (is_socketio) {
            if (i % 64 == 63 || i == streams - 1) join_socketio(i - i % 64, i + 1);
            clients[i].is_open = 1;
        } else if (i % 64 == 63 || i == streams - 1) { /* so that the accept queue never overflows */
            ssize_t got = read(clients[i].fd, buffer, BUFFER - 1);
            buffer[got > 0 ? got : 0] = 0;
            if (strncmp(buffer, "HTTP/1.1 200", 12)) fprintf(stderr, "stream %d: %.80s\n", i, buffer), exit(1);
            clients[i].is_open = 1;
            if (coding) count_coded(&clients[i].wire, coding, buffer, got);
            /* The opening of thousands takes long, and a server gives a client up that does not read. */
            for (int j = 0; j <= i; j++)
                while ((got = recv(clients[j].fd, buffer, BUFFER, MSG_DONTWAIT)) > 0) {
                    clients[j].is_open = 1;
                    if (coding) count_coded(&clients[j].wire, coding, buffer, got);
                }
        }
    }
    for (int i = 0; i < streams; i++) poll_client(i);
    /* Until each has received its first bytes. Silence is no criterion, because of keep-alives. */
    for (int waiting = 1; waiting;) {
        struct epoll_event events[BATCH];
        int closed, ready = epoll_wait(poller, events, BATCH, 100);
        for (int j = 0; j < ready; j++) {
            take(&clients[events[j].data.u32], &closed);
            if (closed) fprintf(stderr, "the server closed a stream\n"), exit(1);
        }
        waiting = 0;
        for (int i = 0; i < streams; i++) waiting += !clients[i].is_open;
        if (now() - start > 120) fprintf(stderr, "%d streams have not opened\n", waiting), exit(1);
    }
    printf("open %.3f\n", now() - start);
    usleep(500000);
}

static int by_value(const void *a, const void *b) {
    double x = *(double *)a, y = *(double *)b;
    return (x > y) - (x < y);
}

static void play_round(const char *path, int k) {
    char request[2048];
    const char *token = strstr(path, "{k}");
    int before = token ? (int)(token - path) : (int)strlen(path);
    int length = snprintf(request, sizeof request,
        "POST %.*s%d%s HTTP/1.1\r\nHost: localhost\r\nDatastar-Request: true\r\nContent-Type: application/json\r\n"
        "Content-Length: 2\r\nConnection: close\r\n\r\n{}", before, path, k, token ? token + 3 : "");
    double *done = malloc(sizeof(double) * streams);
    long delivered = 0, wanted = (long)streams * k;
    int complete = 0, publisher = dial(0);
    for (int i = 0; i < streams; i++) clients[i].events = 0;
    struct epoll_event answer = {.events = EPOLLIN | EPOLLONESHOT, .data.u32 = streams};
    double begin = now(), end = begin, answered = 0;
    if (write(publisher, request, length) != length) fail("write");
    epoll_ctl(poller, EPOLL_CTL_ADD, publisher, &answer);
    while ((delivered < wanted || !answered) && now() - begin < 60) {
        struct epoll_event events[BATCH];
        int closed, ready = epoll_wait(poller, events, BATCH, 500);
        for (int j = 0; j < ready; j++) {
            if ((int)events[j].data.u32 == streams) {
                answered = now();
                continue;
            }
            Client *client = &clients[events[j].data.u32];
            int marks = take(client, &closed);
            if (closed) fprintf(stderr, "the server closed a stream\n"), exit(1);
            if (!marks) continue;
            end = now();
            delivered += marks;
            if (client->events < k && (client->events += marks) >= k) done[complete++] = end - begin;
        }
    }
    close(publisher);
    qsort(done, complete, sizeof *done, by_value);
    double p99 = complete ? done[(int)(complete * 0.99)] : 0;
    printf("round %ld %.5f %.2f %.2f\n", delivered, end - begin, p99 * 1e3, (end - answered) * 1e3);
    free(done);
}

static void leave(int count) {
    double start = now();
    for (int i = 0; i < streams && count; i++)
        if (clients[i].fd >= 0) close(clients[i].fd), clients[i].fd = -1, count--;
    printf("left %.6f\n", start);
}

/* Streams come and go while the others stay. */
static void replace(int count, const char *path, const char *protocol) {
    static int oldest;
    char more[4096];
    double start = now();
    write_headers(more, sizeof more, protocol);
    for (int turn = 0; turn < count; turn++, oldest = (oldest + 1) % streams) {
        Client *client = &clients[oldest];
        close(client->fd);
        memset(client, 0, sizeof *client);
        ask(oldest, path, more);
        while (!client->wire.has_body) {
            ssize_t got = read(client->fd, buffer, BUFFER);
            if (got <= 0) fail("read");
            count_coded(&client->wire, coding, buffer, got);
        }
        poll_client(oldest);
    }
    printf("replaced %.5f\n", now() - start);
}

static void wait_for_end(void) {
    int open = 0, clean = 0;
    double start = now();
    for (int i = 0; i < streams; i++) open += clients[i].fd >= 0;
    while (open && now() - start < 90) {
        struct epoll_event events[BATCH];
        int closed, ready = epoll_wait(poller, events, BATCH, 500);
        for (int j = 0; j < ready; j++) {
            Client *client = &clients[events[j].data.u32];
            take(client, &closed);
            if (!closed && !(events[j].events & (EPOLLERR | EPOLLHUP))) continue;
            clean += client->chunk_at == 5;
            close(client->fd);
            client->fd = -1;
            open--;
        }
    }
    printf("ended %d %.6f\n", clean, now());
}

int main(int argc, char **argv) {
    if (argc != 5 && argc != 6)
        return fprintf(stderr, "usage: streams_load PORT STREAM_PATH PUBLISH_PATH STREAMS [PROTOCOL]\n"), 2;
    port = atoi(argv[1]);
    streams = atoi(argv[4]);
    clients = calloc(streams, sizeof *clients);
    poller = epoll_create1(0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *protocol = argc > 5 ? argv[5] : "sse";
    coding = !strcmp(protocol, "zstd") ? ZSTD : !strcmp(protocol, "gzip") ? GZIP : IDENTITY;
    open_all(argv[2], protocol);
    for (char line[64]; fgets(line, sizeof line, stdin);) {
        if (!strncmp(line, "round ", 6)) play_round(argv[3], atoi(line + 6));
        else if (!strncmp(line, "leave ", 6)) leave(atoi(line + 6));
        else if (!strncmp(line, "replace ", 8)) replace(atoi(line + 8), argv[2], protocol);
        else if (!strncmp(line, "bytes", 5)) printf("bytes %ld\n", received), received = 0;
        else if (!strncmp(line, "end", 3)) wait_for_end();
    }
    return 0;
}
