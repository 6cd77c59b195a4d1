// The messages of SCRAM (RFC 5802 section 7), on the server's side: what a client's two say, and what ours
// are.  What they prove is for whoever has the keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::sasl {

inline constexpr std::size_t kMaxScramMessage = 2048;  // octets; names and nonces at their limits need 900
inline constexpr std::size_t kMaxScramNonce = 256;     // octets of the client's part

// client-first-message
struct ScramClientFirst {
  // gs2-cbind-flag
  enum class Binding : std::uint8_t {
    unknown_to_client,  // "n"
    not_offered,        // "y": the client could, and believes that the server cannot
    used,               // "p": with the type that binding_type names
  };
  Binding binding = Binding::unknown_to_client;
  std::string binding_type;
  std::string gs2_header;  // as it came, with both commas
  std::string authzid;     // empty: none
  std::string name;
  std::string nonce;
  std::string bare;  // client-first-message-bare, as it came
};

// client-final-message
struct ScramClientFinal {
  std::string channel_binding;  // c=, decoded: the gs2-header again, and behind it the bindings
  std::string nonce;
  std::string proof;          // p=, decoded
  std::string without_proof;  // client-final-message-without-proof, as it came
};

// Nothing for what does not follow the grammar, and for mandatory extensions ("m="), of which we know none.
[[nodiscard]] std::optional<ScramClientFirst> parse_scram_client_first(std::string_view message);
[[nodiscard]] std::optional<ScramClientFinal> parse_scram_client_final(std::string_view message);

// server-first-message; `nonce` is the client's with ours behind it.
std::string scram_server_first(std::string_view nonce, std::string_view salt, std::uint32_t iterations);
// server-final-message
std::string scram_server_final(std::string_view signature);

}  // namespace mailroom::sasl
