/*
 * Preloaded into a server: every fsync and fdatasync takes as many milliseconds longer as the file
 * SLOW_SYNC_MS says, and is noted in the file SLOW_SYNC_NOTES, by a "b" when it begins and an "e" when
 * it has ended.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void note(char mark) {
  int notes = open(getenv("SLOW_SYNC_NOTES"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (notes < 0 || write(notes, &mark, 1) != 1) abort();
  close(notes);
}

static unsigned delay_ms(void) {
  char text[16] = {0};
  int file = open(getenv("SLOW_SYNC_MS"), O_RDONLY | O_CLOEXEC);
  if (file < 0 || read(file, text, sizeof text - 1) < 0) abort();
  close(file);
  return (unsigned)atoi(text);
}

static int slowly(const char *name, int file) {
  int (*sync_file)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  note('b');
  usleep(delay_ms() * 1000);
  int result = sync_file(file);
  note('e');
  return result;
}

int fsync(int file) { return slowly("fsync", file); }

int fdatasync(int file) { return slowly("fdatasync", file); }
