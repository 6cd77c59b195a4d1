// The login desk's part for Kerberos: GSSAPI and KPOP, whose exchanges are krbd's, and passwords that are a
// KDC's.
#include <algorithm>
#include <utility>

#include "daemons/authd/login_client.h"
#include "daemons/authd/login_desk.h"
#include "daemons/log.h"
#include "libcommon/policy/login_name.h"
#include "libcommon/policy/principal.h"
#include "libcommon/text/ascii.h"

namespace mailroom::authd {
namespace {

constexpr std::string_view kGssapi = "GSSAPI";

// The first rule that fits.
std::optional<std::string> account_of(const KerberosConfig& config, const std::string& principal) {
  for (const PrincipalRule& rule : config.principals)
    if (auto account = policy::account_by_rule(rule.pattern, rule.account, principal)) return account;
  return std::nullopt;
}

// Nobody acts as anybody else: the identity to act as is the ticket's own account or principal, or is left
// out (RFC 4752 3.1).
bool may_act_as(const std::string& account, const TicketDesk::Proved& proved,
                const std::vector<std::string>& domains) {
  const auto names = policy::login_candidates(proved.authzid, domains);
  return proved.authzid.empty() || proved.authzid == proved.principal ||
         std::ranges::find(names, account) != names.end();
}

// What GSSAPI clients bind to, as RFC 5929 and RFC 5056 2.1 prefix it; empty: nothing.
std::string end_point_bindings(const tls::ChannelBindings& bindings) {
  if (bindings.server_end_point.empty()) return {};
  return std::string{tls::kServerEndPointBinding} + ":" + bindings.server_end_point;
}

}  // namespace

bool LoginDesk::is_by_ticket(const SaslStart& message) const {
  if (!tickets_.offered()) return false;
  return equals_ignoring_case(message.mechanism, kGssapi) || message.mechanism == kKpopMechanism;
}

// By the connection's number and not by address: it may be gone when the answer comes.
TicketDesk::OnStep LoginDesk::on_ticket(Client& client) {
  return [this, id = client.id, attempt = client.attempts](TicketDesk::Step&& step) {
    const auto found = clients_.find(id);
    if (found != clients_.end() && found->second->attempts == attempt)
      ticket_step(*found->second, std::move(step));
  };
}

void LoginDesk::start_ticket(Client& client, SaslStart&& message) {
  client.by_ticket = true;
  client.began = std::chrono::steady_clock::now();
  client.name.clear();
  ++client.attempts;
  if (is_shut_out(client)) return fail(client, LoginRefusal::too_many);
  client.bindings = std::move(message.bindings);
  if (message.mechanism == kKpopMechanism) {
    client.phase = Client::Phase::checking;
    client.ticket = tickets_.check_request(client.service, std::move(message.initial_response).value_or(""),
                                           on_ticket(client));
  } else if (message.initial_response) {
    respond_ticket(client, {std::move(*message.initial_response)});
  } else {
    client.phase = Client::Phase::exchanging;
    client.channel->send(SaslChallenge{});
  }
}

void LoginDesk::respond_ticket(Client& client, SaslRespond&& message) {
  if (client.kpop) return respond_kpop(client, message.response);
  client.phase = Client::Phase::checking;
  if (client.ticket != 0) return tickets_.respond(client.ticket, std::move(message.response));
  client.ticket = tickets_.start_gssapi(client.service, end_point_bindings(client.bindings),
                                        std::move(message.response), on_ticket(client));
}

// USER names an account; the ticket has to be that account's, and is not the client's to choose among
// several.
void LoginDesk::respond_kpop(Client& client, const std::string& user) {
  TicketDesk::Proved proved = *std::exchange(client.kpop, std::nullopt);
  proved.authzid = user;
  if (user.empty()) return fail(client, LoginRefusal::malformed);
  ticket_proved(client, proved);
}

void LoginDesk::drop_ticket(Client& client) {
  client.by_ticket = false;
  client.kpop.reset();
  client.refusal_token.clear();
  if (client.ticket != 0) tickets_.drop(std::exchange(client.ticket, 0));
}

void LoginDesk::ticket_step(Client& client, TicketDesk::Step&& step) {
  if (auto* challenge = std::get_if<TicketDesk::Challenge>(&step)) {
    client.phase = Client::Phase::exchanging;
    client.channel->send(SaslChallenge{std::move(challenge->token)});
    return;
  }
  client.ticket = 0;
  if (auto* proved = std::get_if<TicketDesk::Proved>(&step)) {
    if (client.mechanism != kKpopMechanism) return ticket_proved(client, *proved);
    client.phase = Client::Phase::exchanging;
    client.channel->send(SaslChallenge{proved->token});
    client.kpop = std::move(*proved);
    return;
  }
  auto& refused = std::get<TicketDesk::Refused>(step);
  if (client.mechanism == kKpopMechanism) client.refusal_token = std::move(refused.token);
  log::write("ticket-refused",
             {{"session", log::Id{client.id}}, {"account", client.name}, {"reason", refused.detail}});
  if (refused.refusal == LoginRefusal::unavailable || refused.refusal == LoginRefusal::malformed)
    return fail(client, refused.refusal);
  refused_by_check(client, refused.refusal);
}

void LoginDesk::ticket_proved(Client& client, const TicketDesk::Proved& proved) {
  if (!client.by_ticket)  // a password, and the account is known
    return answer_later(client, delay_for(client.name), [this](Client& same) { prove(same); });
  const auto account = account_of(config_.kerberos, proved.principal);
  if (!account || !may_act_as(*account, proved, config_.domains)) {
    log::write("ticket-refused", {{"session", log::Id{client.id}},
                                  {"account", account.value_or("")},
                                  {"reason", account ? "it may not act as " + proved.authzid
                                                     : "no kerberos.principal for " + proved.principal}});
    return refused_by_check(client, LoginRefusal::bad_credentials);
  }
  client.name = *account;
  prove(client);
}

// The KDCs say whether a password is right; everything else is as with a hash.
void LoginDesk::ask_kdc(Client& client, const StoredSecret& secret, const Secret& password) {
  client.name = secret.name;
  client.hash = secret.hash;
  const std::string principal = secret.hash.substr(kKerberosMark.size());
  client.ticket = tickets_.check_password(principal, password, on_ticket(client));
}

}  // namespace mailroom::authd
