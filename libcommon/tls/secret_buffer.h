// Memory for a secret: overwritten when it goes; locked and left out of core dumps after lock_key_memory().
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace mailroom::tls {

class SecretBuffer {
 public:
  explicit SecretBuffer(std::size_t capacity);  // throws std::bad_alloc
  ~SecretBuffer();
  SecretBuffer(const SecretBuffer&) = delete;
  SecretBuffer& operator=(const SecretBuffer&) = delete;

  // All that is in the file, from its beginning; false if it cannot be read or has more than the buffer
  // holds.
  [[nodiscard]] bool read_file(int fd);
  std::string_view bytes() const { return {data_, size_}; }

 private:
  char* data_;
  std::size_t capacity_;
  std::size_t size_ = 0;
};

}  // namespace mailroom::tls
