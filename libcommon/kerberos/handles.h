// Owners of libkrb5's and libgssapi's objects.  Included by libcommon/kerberos/*.cc alone.
#pragma once

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <krb5.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace mailroom::kerberos {

// A krb5_context: one for each thread and task, cheap beside what is done with it.
class Context {
 public:
  Context() {
    if (krb5_init_context(&context_) != 0)
      throw std::runtime_error("libkrb5 cannot be set up: krb5.conf is not readable");
  }
  ~Context() { krb5_free_context(context_); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  operator krb5_context() const { return context_; }

  std::string message_of(krb5_error_code code) const {
    const char* text = krb5_get_error_message(context_, code);
    std::string message = text;
    krb5_free_error_message(context_, text);
    return message;
  }

 private:
  krb5_context context_ = nullptr;
};

// An object that is freed with a context: Owned<krb5_principal, krb5_free_principal>.
template <typename T, auto Free>
class Owned {
 public:
  explicit Owned(const Context& context) : context_{context} {}
  ~Owned() {
    if (object_ != nullptr) Free(context_, object_);
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;

  T get() const { return object_; }
  T operator->() const { return object_; }
  T* out() { return &object_; }

 private:
  krb5_context context_;
  T object_{};
};

// Octets that libkrb5 allocated.
class Data {
 public:
  explicit Data(const Context& context) : context_{context} {}
  ~Data() { krb5_free_data_contents(context_, &data_); }
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;

  krb5_data* out() { return &data_; }
  std::string octets() const { return {data_.data, data_.length}; }

 private:
  krb5_context context_;
  krb5_data data_{};
};

// For reading only.
inline krb5_data view_of(std::string_view octets) {
  krb5_data data{};
  data.length = static_cast<unsigned>(octets.size());
  data.data = const_cast<char*>(octets.data());
  return data;
}

// Octets that libgssapi allocated.
class GssBuffer {
 public:
  GssBuffer() = default;
  ~GssBuffer() {
    OM_uint32 minor = 0;
    gss_release_buffer(&minor, &buffer_);
  }
  GssBuffer(const GssBuffer&) = delete;
  GssBuffer& operator=(const GssBuffer&) = delete;

  gss_buffer_t out() { return &buffer_; }
  std::string_view view() const { return {static_cast<const char*>(buffer_.value), buffer_.length}; }

 private:
  gss_buffer_desc buffer_{};
};

inline gss_buffer_desc gss_view_of(std::string_view octets) {
  return {octets.size(), const_cast<char*>(octets.data())};
}

}  // namespace mailroom::kerberos
