// LD_PRELOADed by 68-poison.t: what hands a program octets ends it when MARKER is among them, as a defect of the program
// that only this message, name or record reaches would.
#define _GNU_SOURCE
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void look(const void* octets, size_t size) {
  if (memmem(octets, size, MARKER, strlen(MARKER)) != NULL) __builtin_trap();
}

ssize_t read(int fd, void* buffer, size_t size) {
  const ssize_t got = syscall(SYS_read, fd, buffer, size);
  if (got > 0) look(buffer, (size_t)got);
  return got;
}

// Of channels, whose packets are read into one piece.
ssize_t recvmsg(int fd, struct msghdr* header, int flags) {
  const ssize_t got = syscall(SYS_recvmsg, fd, header, flags);
  if (got > 0 && header->msg_iovlen == 1) look(header->msg_iov[0].iov_base, (size_t)got);
  return got;
}
