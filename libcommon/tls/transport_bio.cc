#include "libcommon/tls/transport_bio.h"

#include <utility>

namespace mailroom::tls {
namespace {

constexpr std::size_t kOutputLimit = 64 * 1024;  // records gathered for one write to the stream

Transport& transport_of(BIO* bio) { return *static_cast<Transport*>(BIO_get_data(bio)); }

int read_ex(BIO* bio, char* into, std::size_t size, std::size_t* taken) {
  Transport& transport = transport_of(bio);
  BIO_clear_retry_flags(bio);
  if (transport.input.empty() && !transport.fill()) {
    if (transport.read_failure) BIO_set_retry_read(bio);
    return 0;
  }
  *taken = transport.input.copy(into, size);
  transport.input.remove_prefix(*taken);
  return 1;
}

int write_ex(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
  Transport& transport = transport_of(bio);
  BIO_clear_retry_flags(bio);
  transport.output.append(bytes, size);
  *written = size;
  return transport.output.size() < kOutputLimit || transport.flush() ? 1 : 0;
}

long control(BIO* bio, int command, long, void*) {
  switch (command) {
  case BIO_CTRL_FLUSH:
    return transport_of(bio).flush() ? 1 : 0;
  case BIO_CTRL_EOF:
    return transport_of(bio).ended ? 1 : 0;
  default:
    return 0;
  }
}

int create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

const BIO_METHOD* method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mailroom stream");
    BIO_meth_set_create(fresh, create);
    BIO_meth_set_read_ex(fresh, read_ex);
    BIO_meth_set_write_ex(fresh, write_ex);
    BIO_meth_set_ctrl(fresh, control);
    return fresh;
  }();
  return made;
}

}  // namespace

bool Transport::flush() noexcept {
  if (write_failure) return false;
  if (output.empty()) return true;
  try {
    stream->write(output);
  } catch (...) {
    write_failure = std::current_exception();
  }
  output.clear();
  return !write_failure;
}

bool Transport::fill() noexcept {
  if (ended || !flush()) return false;
  try {
    input = {buffer.get(), stream->read({buffer.get(), kBuffer})};
    ended = input.empty();
  } catch (...) {
    read_failure = std::current_exception();
  }
  return !input.empty();
}

void Transport::throw_failure() {
  if (write_failure) std::rethrow_exception(write_failure);
  if (read_failure) std::rethrow_exception(std::exchange(read_failure, nullptr));
}

BioHandle make_transport_bio(Transport& transport) {
  BioHandle bio{BIO_new(method())};
  BIO_set_data(bio.get(), &transport);
  return bio;
}

}  // namespace mailroom::tls
