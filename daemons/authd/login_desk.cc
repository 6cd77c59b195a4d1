#include "daemons/authd/login_desk.h"

#include <algorithm>
#include <utility>

#include "daemons/authd/login_client.h"
#include "daemons/authd/login_names.h"
#include "daemons/authd/password_age.h"
#include "daemons/authd/password_hash.h"
#include "daemons/log.h"
#include "daemons/state_failure.h"

namespace mailroom::authd {
namespace {

std::string_view refusal_word(LoginRefusal refusal) {
  constexpr std::string_view kWords[] = {"password", "mechanism", "malformed", "unavailable",
                                         "service",  "disabled",  "expired",   "too-many"};
  return kWords[static_cast<std::size_t>(refusal)];
}

// What an account lacks that came as a hash, or whose name has another salt since a domain became a local
// one. Called in the threads.
std::optional<ScramVerifiers> missing_verifiers(const StoredSecret& secret, const Secret& password,
                                                std::string_view key, std::string_view salted) {
  const auto& known = secret.facts.scram;
  if (known && known->sha256.salt == scram_salt(key, Hash::sha256, salted)) return std::nullopt;
  return make_scram_verifiers(password, key, salted);
}

std::chrono::milliseconds milliseconds(const Duration& duration) { return duration; }

}  // namespace

// What a thread found out.
struct LoginDesk::Checked {
  ConnectionId connection;
  unsigned attempt;
  StoredSecret secret;  // of nobody when there is no such account
  bool right = false;
  std::optional<ScramVerifiers> new_verifiers;  // that it lacked
};

LoginDesk::LoginDesk(event::Loop& loop, const Config& config, SecretStore& store, event::ThreadPool& pool,
                     TicketDesk& tickets, CertificateDesk& certificates, TellPolicyd tell_policyd)
    : loop_{loop}, config_{config}, store_{store}, pool_{pool}, tickets_{tickets},
      certificates_{certificates}, tell_policyd_{std::move(tell_policyd)},
      by_name_{config.authd.failure_window}, by_address_{config.authd.failure_window},
      by_address_and_name_{config.authd.failure_window}, self_{std::make_shared<LoginDesk*>(this)} {}

LoginDesk::~LoginDesk() { *self_ = nullptr; }

void LoginDesk::reconfigured() {
  by_name_.set_window(config_.authd.failure_window);
  by_address_.set_window(config_.authd.failure_window);
  by_address_and_name_.set_window(config_.authd.failure_window);
}

// ---- connections

void LoginDesk::open(const ConnectionOpened& connection, Fd fd) {
  auto client = std::make_unique<Client>();
  const ConnectionId id = connection.connection;
  client->id = id;
  client->peer = connection.peer;
  client->service = connection.service;
  client->channel = std::make_unique<Channel>(
      loop_, std::move(fd), 0,
      [this, id](ConnectionToAuthd&& message, std::vector<Fd>&&) { on_message(id, std::move(message)); },
      [this, id](event::ChannelEnd why) { on_end(id, why); });
  clients_.emplace(id, std::move(client));
}

void LoginDesk::close(ConnectionId connection) {
  const auto found = clients_.find(connection);
  if (found == clients_.end()) return;
  end_exchange(*found->second);
  clients_.erase(found);
}

void LoginDesk::on_end(ConnectionId connection, event::ChannelEnd why) {
  if (why != event::ChannelEnd::closed) return misbehaved(connection, event::channel_end_name(why));
  close(connection);
}

void LoginDesk::misbehaved(ConnectionId connection, const char* reason) {
  log::write("peer-misbehaved",
             {{"session", log::Id{connection}}, {"channel", "connection"}, {"reason", reason}});
  close(connection);
}

// ---- the exchange

void LoginDesk::on_message(ConnectionId connection, ConnectionToAuthd&& message) {
  Client& client = *clients_.at(connection);
  if (client.channel->queued() > 0) return misbehaved(connection, "it does not read its answers");
  if (auto* start = std::get_if<SaslStart>(&message)) {
    if (client.phase != Client::Phase::idle) return misbehaved(connection, "a login out of turn");
    if (++client.exchanges > kMaxExchanges)
      return misbehaved(connection, "more exchanges than any client begins");
    end_exchange(client);
    client.mechanism = start->mechanism.substr(0, 20);  // RFC 4422 3.1
    if (is_by_ticket(*start)) return start_ticket(client, std::move(*start));
    if (is_by_certificate(*start)) return start_certificate(client, std::move(*start));
    if (is_scram(start->mechanism)) return start_scram(client, std::move(*start));
    return take(client, client.exchange.start(*start));
  }
  if (client.phase != Client::Phase::exchanging) return misbehaved(connection, "an answer to no challenge");
  if (auto* response = std::get_if<SaslRespond>(&message)) {
    if (client.by_ticket) return respond_ticket(client, std::move(*response));
    if (client.by_certificate) return respond_certificate(client, std::move(response->response));
    if (client.scram) return respond_scram(client, std::move(response->response));
    return take(client, client.exchange.respond(*response));
  }
  end_exchange(client);
  client.phase = Client::Phase::idle;
}

// Nothing of one exchange is there in the next.
void LoginDesk::end_exchange(Client& client) {
  drop_ticket(client);
  drop_certificate(client);
  client.scram.reset();
  client.exchange.cancel();
  client.password_expired = false;
  client.password_days.reset();
}

void LoginDesk::take(Client& client, Exchange::Step&& step) {
  if (auto* attempt = std::get_if<Attempt>(&step)) return check(client, std::move(*attempt));
  if (auto* challenge = std::get_if<SaslChallenge>(&step)) {
    client.phase = Client::Phase::exchanging;
    client.channel->send(std::move(*challenge));
    return;
  }
  client.phase = Client::Phase::idle;
  client.channel->send(SaslFailed{std::get<LoginRefusal>(step), {}});
}

// ---- the check

bool LoginDesk::is_shared(const IpAddress& address) const {
  return std::ranges::any_of(config_.networks, [&](const NetworkConfig& network) {
    return network.kind == NetworkKind::nat && network.prefix.contains(address);
  });
}

// A wrong password that one client tries again and again counts for its address only so often: the others
// behind the address go on.
void LoginDesk::count_failure(const Client& client) {
  const Time now = std::chrono::steady_clock::now();
  const std::string name = counted_name(client.name, config_.domains);
  const IpAddress address = client.peer.host_for_limits();
  by_name_.add(name, now);
  if (by_address_and_name_.count({address, name}, now) >= config_.authd.account_failures) return;
  by_address_and_name_.add({address, name}, now);
  by_address_.add(address, now);
}

bool LoginDesk::is_shut_out(const Client& client) {
  const Time now = std::chrono::steady_clock::now();
  const std::uint32_t failures = by_address_.count(client.peer.host_for_limits(), now);
  const bool too_many = failures >= config_.authd.address_failures && !is_shared(client.peer);
  if (!too_many && client.attempts <= kMaxAttempts) return false;
  log::write("login-shut-out",
             {{"session", log::Id{client.id}}, {"peer", client.peer.text()}, {"failures", failures}});
  return true;
}

// The account that the name means; no name, and a hash to be computed in vain, when there is none.
StoredSecret LoginDesk::find(const std::string& text) {
  for (std::string& name : policy::login_candidates(text, config_.domains))
    if (auto hash = store_.hash_of(name)) {
      auto facts = store_.facts_of(name);
      return {std::move(name), std::move(*hash), facts ? std::move(*facts) : PasswordFacts{}};
    }
  return {"", store_.stand_in_for(text), {}};
}

void LoginDesk::check(Client& client, Attempt&& attempt) {
  client.began = std::chrono::steady_clock::now();
  client.name = attempt.name;
  ++client.attempts;
  client.phase = Client::Phase::checking;
  if (is_shut_out(client)) return fail(client, LoginRefusal::too_many);
  if (pool_.waiting() >= config_.authd.max_waiting) return fail(client, LoginRefusal::unavailable);
  auto job = std::make_shared<Checked>(Checked{client.id, client.attempts, {}});
  try {
    job->secret = find(attempt.name);
  } catch (const std::exception& error) {
    on_state_failure(error);
    return fail(client, LoginRefusal::unavailable);
  }
  if (is_kerberos_secret(job->secret.hash)) return ask_kdc(client, job->secret, attempt.password);
  pool_.submit(
      [job, scram = config_.authd.scram, key = store_.name_key(),
       salted = counted_name(job->secret.name, config_.domains), password = std::move(attempt.password)] {
        const bool same = matches(password, job->secret.hash);
        job->right = same && !job->secret.name.empty();
        if (job->right && scram) job->new_verifiers = missing_verifiers(job->secret, password, key, salted);
      },
      [self = self_, job] {
        if (*self != nullptr) (*self)->checked(*job);
      });
}

// What is due to the name, before any answer to it: nobody learns sooner that a guess was right.
std::chrono::milliseconds LoginDesk::delay_for(const std::string& name) {
  const AuthdConfig& config = config_.authd;
  const std::uint32_t failures =
      by_name_.count(counted_name(name, config_.domains), std::chrono::steady_clock::now());
  if (failures < config.account_failures) return std::chrono::milliseconds{0};
  const std::uint32_t beyond = failures - config.account_failures + 1;
  return std::min(milliseconds(config.max_failure_delay), beyond * milliseconds(config.failure_delay));
}

void LoginDesk::checked(const Checked& result) {
  const auto found = clients_.find(result.connection);
  if (found == clients_.end() || found->second->attempts != result.attempt) return;
  Client& client = *found->second;
  const auto delay = delay_for(client.name);
  if (delay.count() > 0)
    log::write("login-delayed",
               {{"session", log::Id{client.id}}, {"account", client.name}, {"peer", client.peer.text()}});
  if (result.right) {
    client.name = result.secret.name;
    client.hash = result.secret.hash;
    keep_facts(result);
    note_age(client, result.secret.facts);
    return answer_later(client, delay, [this](Client& proved) { prove_in_time(proved); });
  }
  refused_by_check(client, LoginRefusal::bad_credentials);
}

// What an account could not have until its password was seen.  A commit on the loop: only for what is new.
void LoginDesk::keep_facts(const Checked& result) {
  if (result.secret.facts.changed != 0 && !result.new_verifiers) return;
  StoredSecret secret = result.secret;
  if (secret.facts.changed == 0) secret.facts.changed = wall_clock();
  if (result.new_verifiers) secret.facts.scram = result.new_verifiers;
  try {
    store_.add_facts(secret);
    if (!result.new_verifiers) return;
    log::write("verifiers-made", {{"session", log::Id{result.connection}}, {"account", secret.name}});
  } catch (const std::exception& error) {
    on_state_failure(error);
  }
}

// A guess, as far as anybody can see.
void LoginDesk::refused_by_check(Client& client, LoginRefusal refusal) {
  const auto delay = delay_for(client.name);
  count_failure(client);
  answer_later(client, std::max(delay, milliseconds(config_.authd.failure_delay)),
               [this, refusal](Client& refused) { fail(refused, refusal); });
}

// ---- the answer

void LoginDesk::answer_later(Client& client, std::chrono::milliseconds delay,
                             std::function<void(Client&)> then) {
  client.phase = Client::Phase::refusing;
  const auto left =
      std::chrono::ceil<std::chrono::microseconds>(client.began + delay - std::chrono::steady_clock::now());
  if (left.count() <= 0) return then(client);
  client.timer = std::make_unique<event::Timer>(loop_, [&client, then = std::move(then)] { then(client); });
  client.timer->start(left);
}

// A password that was changed meanwhile proves nothing any more: policyd may have been told of the change
// already, and would not end a session that begins after it.
bool LoginDesk::still_proves(const Client& client) {
  if (client.by_ticket || client.by_certificate) return true;
  try {
    return store_.hash_of(client.name) == client.hash;
  } catch (const std::exception& error) {
    on_state_failure(error);
    return false;
  }
}

// A secret whose age is not known is new.  At the relay log devices in, which cannot read a warning: the
// registry has review dates for them.
void LoginDesk::note_age(Client& client, const PasswordFacts& facts) {
  if (client.service == Service::relay) return;
  const std::uint64_t now = wall_clock();
  const PasswordAge age = password_age(facts.changed == 0 ? now : facts.changed, now,
                                       config_.authd.password_max_age, config_.authd.password_warning);
  client.password_expired = age.expired;
  client.password_days = age.days_left;
}

// Only who has the right password learns that it is too old.
void LoginDesk::prove_in_time(Client& client) {
  if (client.password_expired) return fail(client, LoginRefusal::expired);
  prove(client);
}

void LoginDesk::prove(Client& client) {
  if (!still_proves(client)) return fail(client, LoginRefusal::bad_credentials);
  client.phase = Client::Phase::proving;
  if (!tell_policyd_(NameProved{client.id, client.name})) fail(client, LoginRefusal::unavailable);
}

void LoginDesk::fail(Client& client, LoginRefusal refusal) {
  log::write("login-failed", {{"session", log::Id{client.id}},
                              {"account", client.name},
                              {"mechanism", client.mechanism},
                              {"peer", client.peer.text()},
                              {"reason", refusal_word(refusal)}});
  client.phase = Client::Phase::idle;
  client.scram.reset();
  client.channel->send(SaslFailed{refusal, std::exchange(client.refusal_token, {})});
}

void LoginDesk::admitted(const Admitted& message) {
  const auto found = clients_.find(message.connection);
  if (found == clients_.end() || found->second->phase != Client::Phase::proving) return;
  Client& client = *found->second;
  client.phase = Client::Phase::succeeded;
  log::write("login-succeeded",
             {{"session", log::Id{client.id}}, {"account", client.name}, {"mechanism", client.mechanism}});
  if (client.password_days)
    log::write("password-expires",
               {{"session", log::Id{client.id}}, {"account", client.name}, {"days", *client.password_days}});
  client.channel->send(SaslSucceeded{client.name, client.password_days});
}

void LoginDesk::not_admitted(const NotAdmitted& message) {
  const auto found = clients_.find(message.connection);
  if (found != clients_.end() && found->second->phase == Client::Phase::proving)
    fail(*found->second, message.failure);
}

void LoginDesk::policyd_gone() {
  for (auto& [id, client] : clients_)
    if (client->phase == Client::Phase::proving) fail(*client, LoginRefusal::unavailable);
}

}  // namespace mailroom::authd
