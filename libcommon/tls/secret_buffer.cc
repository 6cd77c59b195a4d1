#include "libcommon/tls/secret_buffer.h"

#include <openssl/crypto.h>
#include <unistd.h>

#include <cerrno>
#include <new>

namespace mailroom::tls {

SecretBuffer::SecretBuffer(std::size_t capacity)
    : data_{static_cast<char*>(OPENSSL_secure_malloc(capacity))}, capacity_{capacity} {
  if (data_ == nullptr) throw std::bad_alloc{};
}

SecretBuffer::~SecretBuffer() { OPENSSL_secure_clear_free(data_, capacity_); }

bool SecretBuffer::read_file(int fd) {
  size_ = 0;
  while (size_ < capacity_) {
    const ssize_t got = ::pread(fd, data_ + size_, capacity_ - size_, static_cast<off_t>(size_));
    if (got == 0) return true;
    if (got > 0)
      size_ += static_cast<std::size_t>(got);
    else if (errno != EINTR)
      return false;
  }
  return false;
}

}  // namespace mailroom::tls
