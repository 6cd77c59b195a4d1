// What is forgiven old clients: of a listener, or of one device.  Each has its word, in configuration and
// registry alike:
//
//   tls-min=1.0 | tls-min=1.1 | tls-min=1.2 | tls-min=1.3
//   old-ciphers | bare-lf | any-helo | add-fields | detect-tls
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace mailroom::policy {

enum class TlsVersion : std::uint8_t { tls1_0, tls1_1, tls1_2, tls1_3, kLast = tls1_3 };

// The default is to forgive nothing.
struct Quirks {
  TlsVersion tls_min = TlsVersion::tls1_2;
  bool old_ciphers = false;  // CBC suites and finite-field Diffie-Hellman too
  bool bare_lf = false;      // a lone LF in content is a line end; the end of data stays CRLF "." CRLF
  bool any_helo = false;     // HELO and EHLO with nothing or with what is no name
  bool add_fields = false;  // mx too adds Date and Message-ID where they are missing, as the others always do
  bool detect_tls = false;  // a client that begins with TLS on a port with STARTTLS gets it

  bool has_old_tls() const { return old_ciphers || tls_min < TlsVersion::tls1_2; }
  bool operator==(const Quirks&) const = default;
  static auto fields(auto& m) {
    return std::tie(m.tls_min, m.old_ciphers, m.bare_lf, m.any_helo, m.add_fields, m.detect_tls);
  }
};

enum class QuirkScope : std::uint8_t { any_protocol, smtp };

// Whether there is such a word; it is taken into `quirks` then.
[[nodiscard]] bool take_quirk(std::string_view word, Quirks& quirks);
// The words of what differs from the default; taken one by one into a default-made Quirks they give the same.
std::vector<std::string> quirk_words(const Quirks& quirks);
// What the word is for; of one that is none: any_protocol.
QuirkScope quirk_scope(std::string_view word);

// All that either forgives.
Quirks forgiven_by_either(const Quirks& one, const Quirks& other);

}  // namespace mailroom::policy
