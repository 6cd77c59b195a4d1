// The protection of records in one direction of a TLS 1.3 connection (RFC 8446 5.2, 5.3, 7.2, 7.3).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libcommon/tls/record_state.h"

struct evp_cipher_ctx_st;

namespace mailroom::tls {

// RFC 8446 5.1
enum class ContentType : std::uint8_t {
  change_cipher_spec = 20,
  alert = 21,
  handshake = 22,
  application_data = 23
};

inline constexpr std::size_t kRecordHeader = 5;
inline constexpr std::size_t kMaxFragment = 1 << 14;              // octets of content, RFC 8446 5.1
inline constexpr std::size_t kMaxProtected = kMaxFragment + 256;  // octets after the header, RFC 8446 5.2
inline constexpr std::size_t kAeadTag = 16;

// Records without application data in a row: a client that sends more only makes us work.
inline constexpr int kMaxIdleRecords = 32;

// Whether a state's secrets have the length that its suite asks for.
bool is_well_formed(const RecordState& state);

// The suite of a number in a ServerHello (RFC 8446 B.4), if it is one of ours.
std::optional<Suite> suite_of(std::uint16_t number);

// Fetches what the suite's records need, so that forked children share it.
void warm_record_protection(Suite suite);

class RecordKey {
 public:
  enum class Use : std::uint8_t { seal, open };

  // Precondition: the secret has the suite's length.
  RecordKey(Use use, Suite suite, std::string secret, std::uint64_t sequence);
  RecordKey(RecordKey&&) = default;
  RecordKey& operator=(RecordKey&&) = default;
  ~RecordKey();

  // Appends one protected record to `out`.  `type` is the octet behind the content; at most kMaxFragment
  // octets of content, and `padding` zeros behind that.
  void seal(std::uint8_t type, std::string_view content, std::string& out, std::size_t padding = 0);

  // Opens the record with this header in place; the inner plaintext, with its type and padding, or nothing if
  // it is not authentic.
  std::optional<std::span<char>> open(std::string_view header, std::span<char> body);

  // Goes on to the next generation of the key (RFC 8446 7.2).
  void update();

  std::uint64_t sequence() const { return sequence_; }
  const std::string& secret() const { return secret_; }

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const noexcept;
  };
  void derive();
  void begin_record();  // sets the nonce and counts

  Use use_;
  Suite suite_;
  std::string secret_;
  std::string iv_;
  std::uint64_t sequence_;
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
};

}  // namespace mailroom::tls
