// A password in memory: one owner, never copied by accident, overwritten when it is let go.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "libcommon/tls/digest.h"

namespace mailroom::authd {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : octets_{new char[text.size() + 1]}, size_{text.size()} {
    text.copy(octets_.get(), size_);
    octets_[size_] = '\0';
  }
  Secret(Secret&& other) noexcept : octets_{std::move(other.octets_)}, size_{std::exchange(other.size_, 0)} {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(octets_, other.octets_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Secret() {
    if (octets_) cleanse(octets_.get(), size_);
  }

  std::size_t size() const { return size_; }
  // With a NUL behind it.
  const char* c_str() const { return octets_ ? octets_.get() : ""; }

 private:
  std::unique_ptr<char[]> octets_;
  std::size_t size_ = 0;
};

// Overwrites what a message carried in.
inline void wipe(std::string& text) {
  cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace mailroom::authd
