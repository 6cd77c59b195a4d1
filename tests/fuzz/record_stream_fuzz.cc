// The record layer against a client that has the keys: what it reads is what was sent in good records, up to
// the first bad one.
#include <cstdlib>
#include <string>

#include "libcommon/tls/record_stream.h"

using namespace mailroom;
using namespace mailroom::tls;

namespace {

class MemoryStream : public Stream {
 public:
  std::string input;
  std::size_t read(std::span<char> into) override {
    const std::size_t size = input.copy(into.data(), into.size());
    input.erase(0, size);
    return size;
  }
  void write(std::string_view) override {}
  void set_deadline(std::chrono::steady_clock::time_point) override {}
};

// Turns the fuzzer's octets into records: one octet says what comes, one how long it is.
class Client {
 public:
  explicit Client(std::string_view octets) : octets_{octets} {}

  void run() {
    while (octets_.size() >= 2) step();
  }
  std::string wire, expected;

 private:
  enum Kind { data, padded, key_update, any_type, raw, kKinds };

  std::string_view take(std::size_t size) {
    const std::string_view taken = octets_.substr(0, size);
    octets_.remove_prefix(taken.size());
    return taken;
  }

  void step() {
    const auto kind = static_cast<Kind>(static_cast<unsigned char>(octets_[0]) % kKinds);
    const std::size_t size = static_cast<unsigned char>(octets_[1]);
    octets_.remove_prefix(2);
    switch (kind) {
    case data:
      return send(take(size), 0);
    case padded:
      return send(take(size / 2), size);
    case key_update:
      return update(size % 2 == 1);
    case any_type:
      good_ = false;
      return key_.seal(static_cast<std::uint8_t>(size), take(size), wire);
    default:
      good_ = false;
      wire.append(take(size));
      return;
    }
  }

  void send(std::string_view content, std::size_t padding) {
    key_.seal(23, content, wire, padding);
    idle_ = content.empty() ? idle_ + 1 : 0;
    note();
    if (good_) expected.append(content);
  }

  void update(bool request) {
    key_.seal(22, {request ? "\x18\0\0\1\1" : "\x18\0\0\1\0", 5}, wire);
    key_.update();
    ++idle_;
    note();
  }

  void note() { good_ = good_ && idle_ <= kMaxIdleRecords; }

  std::string_view octets_;
  RecordKey key_{RecordKey::Use::seal, Suite::aes_128_gcm_sha256, std::string(32, 'c'), 0};
  bool good_ = true;
  int idle_ = 0;
};

// Records of any type may be good ones by chance: then more than expected is read, never less or other.
void check(const Client& client) {
  MemoryStream memory;
  memory.input = client.wire;
  RecordStream stream{{.suite = Suite::aes_128_gcm_sha256,
                       .client_secret = std::string(32, 'c'),
                       .server_secret = std::string(32, 's')},
                      memory};
  std::string received, block(100, '\0');
  try {
    while (const std::size_t size = stream.read(block)) received.append(block, 0, size);
  } catch (const StreamError&) {  // a bad record, or the end
  }
  if (!received.starts_with(client.expected)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Client client{{reinterpret_cast<const char*>(data), size}};
  client.run();
  check(client);
  return 0;
}
