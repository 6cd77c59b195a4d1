// The login desk's part for SCRAM: whose verifier an exchange is about, and what follows from its end.
//
// Nothing here tells a name that is an account's from one that is not: both have a salt, the same count of
// iterations and keys to compute with, and are refused at the same point (SECURITY.md V13).
#include <utility>

#include "daemons/authd/login_client.h"
#include "daemons/authd/login_desk.h"
#include "daemons/authd/login_names.h"
#include "daemons/state_failure.h"
#include "libcommon/sys/random.h"
#include "libcommon/text/base64.h"

namespace mailroom::authd {
namespace {

constexpr std::size_t kNonceSize = 18;  // octets, before base64

std::string make_nonce() {
  std::string octets(kNonceSize, '\0');
  fill_random(octets.data(), octets.size());
  return encode_base64(octets);
}

// Nobody acts as anybody else.
bool may_act(const ScramExchange& exchange) {
  return exchange.authzid().empty() ||
         policy::canonical_login_name(exchange.authzid()) == policy::canonical_login_name(exchange.name());
}

}  // namespace

bool LoginDesk::is_scram(const std::string& mechanism) const {
  return config_.authd.scram && ScramExchange::of_mechanism(mechanism, {}).has_value();
}

void LoginDesk::start_scram(Client& client, SaslStart&& message) {
  client.scram = ScramExchange::of_mechanism(message.mechanism, std::move(message.bindings));
  if (message.initial_response) return scram_first(client, *message.initial_response);
  client.phase = Client::Phase::exchanging;
  client.channel->send(SaslChallenge{});
}

void LoginDesk::respond_scram(Client& client, std::string&& message) {
  switch (client.scram->state()) {
  case ScramExchange::State::start:
    return scram_first(client, message);
  case ScramExchange::State::named:
  case ScramExchange::State::challenged:
    return scram_final(client, message);
  case ScramExchange::State::over:  // the client has seen our proof, and has nothing to add (RFC 5802 5)
    client.scram.reset();
    return message.empty() ? prove(client) : fail(client, LoginRefusal::malformed);
  }
}

void LoginDesk::scram_first(Client& client, const std::string& message) {
  client.began = std::chrono::steady_clock::now();
  client.name.clear();
  ++client.attempts;
  if (is_shut_out(client)) return fail(client, LoginRefusal::too_many);
  if (!client.scram->first(message)) return fail(client, LoginRefusal::malformed);
  client.name = client.scram->name();
  if (!client.scram->is_bound_right()) return refused_by_check(client, LoginRefusal::bad_credentials);
  std::string challenge;
  try {
    challenge = client.scram->challenge(verifier_for(client), make_nonce());
  } catch (const std::exception& error) {
    on_state_failure(error);
    return fail(client, LoginRefusal::unavailable);
  }
  client.phase = Client::Phase::exchanging;
  client.channel->send(SaslChallenge{std::move(challenge)});
}

// Leaves in the client whose it is, when it is somebody's.
ScramVerifier LoginDesk::verifier_for(Client& client) {
  const Hash hash = client.scram->hash();
  ScramVerifier stand_in =
      scram_stand_in(store_.name_key(), hash, counted_name(client.name, config_.domains));
  StoredSecret secret = find(client.name);
  client.hash.clear();
  if (secret.name.empty() || !secret.facts.scram || !may_act(*client.scram)) return stand_in;
  client.name = secret.name;
  client.hash = secret.hash;
  note_age(client, secret.facts);
  return secret.facts.scram->of(hash);
}

void LoginDesk::scram_final(Client& client, const std::string& message) {
  client.began = std::chrono::steady_clock::now();
  const ScramExchange::Verdict verdict = client.scram->check(message);
  if (verdict == ScramExchange::Verdict::malformed) return fail(client, LoginRefusal::malformed);
  if (verdict == ScramExchange::Verdict::wrong || client.hash.empty())
    return refused_by_check(client, LoginRefusal::bad_credentials);
  answer_later(client, delay_for(client.name), [this](Client& proved) {
    if (proved.password_expired) return fail(proved, LoginRefusal::expired);
    proved.phase = Client::Phase::exchanging;
    proved.channel->send(SaslChallenge{proved.scram->server_final()});
  });
}

}  // namespace mailroom::authd
