/* A GPIO chip as the kernel shows it (GPIO_V2 ioctls of linux/gpio.h), inside the
 * process that has this preloaded. Sixteen lines, as on a test jig: line 2n drives
 * line 2n+1. What is requested is written to the file named by GPIO_LOG. While the
 * file named by GPIO_GONE exists, the chip has been pulled out. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHIP "/dev/gpiochip0"
#define LINES 16

static struct { int fd, far; __u64 flags; int high; } lines[LINES];
static int ready;

static void begin(void) {
    if (ready++) return;
    for (int i = 0; i < LINES; i++) lines[i].fd = -1;
}

static int gone(void) {
    const char *file = getenv("GPIO_GONE");
    return file && access(file, F_OK) == 0;
}

static void turn(int n, int high) {
    int was = lines[n].high;
    lines[n].high = high;
    if (n % 2 == 0) turn(n + 1, high);
    __u64 edge = high ? GPIO_V2_LINE_FLAG_EDGE_RISING : GPIO_V2_LINE_FLAG_EDGE_FALLING;
    if (was == high || lines[n].fd < 0 || !(lines[n].flags & edge)) return;
    struct gpio_v2_line_event event = {
        .id = high ? GPIO_V2_LINE_EVENT_RISING_EDGE : GPIO_V2_LINE_EVENT_FALLING_EDGE,
        .offset = n,
    };
    if (send(lines[n].far, &event, sizeof event, MSG_DONTWAIT) < 0) return;
}

static int request(struct gpio_v2_line_request *wanted) {
    unsigned n = wanted->offsets[0];
    int ends[2], value = -1;
    if (n >= LINES) { errno = EINVAL; return -1; }
    if (lines[n].fd >= 0) { errno = EBUSY; return -1; }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0) return -1;
    lines[n].flags = wanted->config.flags;
    if (lines[n].flags & GPIO_V2_LINE_FLAG_OUTPUT) {
        value = wanted->config.attrs[0].attr.values & 1;
        turn(n, value ^ !!(lines[n].flags & GPIO_V2_LINE_FLAG_ACTIVE_LOW));
    }
    lines[n].fd = wanted->fd = ends[0];
    lines[n].far = ends[1];
    FILE *log = fopen(getenv("GPIO_LOG"), "a");
    fprintf(log, "%u %s 0x%llx %d\n", n, wanted->consumer, lines[n].flags, value);
    fclose(log);
    return 0;
}

static int values(int n, unsigned long what, struct gpio_v2_line_values *values) {
    int inverted = !!(lines[n].flags & GPIO_V2_LINE_FLAG_ACTIVE_LOW);
    if (gone()) { errno = ENODEV; return -1; }
    if (what == GPIO_V2_LINE_GET_VALUES_IOCTL) values->bits = lines[n].high ^ inverted;
    else if (n == 14) return 0; /* its driver is burnt: it stays where it is */
    else turn(n, (values->bits & 1) ^ inverted);
    return 0;
}

static int info(struct gpio_v2_line_info *line) {
    snprintf(line->name, sizeof line->name, "%s%u", line->offset % 2 ? "IN" : "OUT",
             line->offset / 2);
    return 0;
}

int ioctl(int fd, unsigned long what, ...) {
    va_list arguments;
    va_start(arguments, what);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    begin();
    for (int n = 0; n < LINES; n++)
        if (fd >= 0 && lines[n].fd == fd) return values(n, what, argument);
    if (what == GPIO_V2_GET_LINE_IOCTL) return request(argument);
    if (what == GPIO_V2_GET_LINEINFO_IOCTL) return info(argument);
    if (what == GPIO_GET_CHIPINFO_IOCTL) {
        ((struct gpiochip_info *)argument)->lines = LINES;
        return 0;
    }
    int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
    return real(fd, what, argument);
}

int close(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "close");
    begin();
    for (int n = 0; n < LINES; n++)
        if (fd >= 0 && lines[n].fd == fd) {
            lines[n].fd = -1;
            real(lines[n].far);
            if (lines[n].flags & GPIO_V2_LINE_FLAG_OUTPUT) turn(n, 0);
        }
    return real(fd);
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    int mode = va_arg(arguments, int);
    va_end(arguments);
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
    return real(strcmp(path, CHIP) ? path : "/dev/null", flags, mode);
}
