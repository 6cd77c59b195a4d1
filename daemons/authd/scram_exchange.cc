#include "daemons/authd/scram_exchange.h"

#include "libcommon/text/ascii.h"

namespace mailroom::authd {
namespace {

using Binding = sasl::ScramClientFirst::Binding;

struct Mechanism {
  std::string_view name;
  Hash hash;
  bool plus;
};
constexpr Mechanism kMechanisms[] = {
    {"SCRAM-SHA-1", Hash::sha1, false},
    {"SCRAM-SHA-1-PLUS", Hash::sha1, true},
    {"SCRAM-SHA-256", Hash::sha256, false},
    {"SCRAM-SHA-256-PLUS", Hash::sha256, true},
};

// Precondition: of the same size.
std::string exclusive_or(std::string a, std::string_view b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<char>(a[i] ^ b[i]);
  return a;
}

}  // namespace

std::optional<ScramExchange> ScramExchange::of_mechanism(std::string_view mechanism,
                                                         tls::ChannelBindings bindings) {
  for (const Mechanism& each : kMechanisms)
    if (equals_ignoring_case(mechanism, each.name))
      return ScramExchange{each.hash, each.plus, std::move(bindings)};
  return std::nullopt;
}

ScramExchange::~ScramExchange() {
  wipe(verifier_.stored_key);
  wipe(verifier_.server_key);
}

bool ScramExchange::first(std::string_view message) {
  auto parsed = sasl::parse_scram_client_first(message);
  state_ = parsed ? State::named : State::over;
  if (parsed) first_ = std::move(*parsed);
  return parsed.has_value();
}

bool ScramExchange::is_bound_right() const {
  switch (first_.binding) {
  case Binding::unknown_to_client:
    return !plus_;
  case Binding::not_offered:  // RFC 5802 section 6: then it was not we who did not offer
    return !plus_ && bindings_.exporter.empty();
  case Binding::used:
    return plus_ && !expected_binding().empty();
  }
  return false;
}

// Of the type that the client has chosen; empty when this connection has none.
std::string ScramExchange::expected_binding() const {
  if (first_.binding_type == tls::kExporterBinding) return bindings_.exporter;
  if (first_.binding_type == tls::kServerEndPointBinding) return bindings_.server_end_point;
  return {};
}

std::string ScramExchange::challenge(ScramVerifier verifier, std::string_view nonce) {
  verifier_ = std::move(verifier);
  nonce_ = first_.nonce + std::string{nonce};
  server_first_ = sasl::scram_server_first(nonce_, verifier_.salt, verifier_.iterations);
  state_ = State::challenged;
  return server_first_;
}

ScramExchange::Verdict ScramExchange::check(std::string_view message) {
  state_ = State::over;
  const auto final = sasl::parse_scram_client_final(message);
  if (!final) return Verdict::malformed;
  const std::string auth_message = first_.bare + "," + server_first_ + "," + final->without_proof;
  const bool bound = is_bound_right() &&
                     equal_in_constant_time(final->channel_binding, first_.gs2_header + expected_binding());
  const bool fresh = equal_in_constant_time(final->nonce, nonce_);
  if (!proves(*final, auth_message) || !bound || !fresh) return Verdict::wrong;
  server_final_ = sasl::scram_server_final(hmac(hash_, verifier_.server_key, auth_message));
  return Verdict::proved;
}

// RFC 5802 section 3: the proof gives the client's key, whose hash is what we have stored.
bool ScramExchange::proves(const sasl::ScramClientFinal& final, std::string_view auth_message) const {
  const bool possible = final.proof.size() == size_of(hash_);
  const std::string signature = hmac(hash_, verifier_.stored_key, auth_message);
  std::string client_key = exclusive_or(signature, possible ? std::string_view{final.proof} : signature);
  const bool same = equal_in_constant_time(digest(hash_, client_key), verifier_.stored_key);
  wipe(client_key);
  return possible && same;
}

}  // namespace mailroom::authd
