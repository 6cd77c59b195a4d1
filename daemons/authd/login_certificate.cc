// The login desk's part for EXTERNAL (RFC 4422 appendix A): a client that has proved a certificate in the
// connection's TLS.
#include <algorithm>
#include <utility>

#include "daemons/authd/login_client.h"
#include "daemons/authd/login_desk.h"
#include "daemons/log.h"
#include "libcommon/policy/login_name.h"
#include "libcommon/protocol/tls/handshake.h"
#include "libcommon/text/ascii.h"

namespace mailroom::authd {
namespace {

constexpr std::string_view kExternal = "EXTERNAL";

// Nobody acts as anybody else: the identity to act as chooses among the certificate's own accounts, and may
// be left out where there is one.
std::optional<std::string> chosen(const std::vector<std::string>& accounts, std::string_view authzid,
                                  const std::vector<std::string>& domains) {
  if (authzid.empty()) return accounts.size() == 1 ? std::optional{accounts.front()} : std::nullopt;
  for (std::string& name : policy::login_candidates(authzid, domains))
    if (std::ranges::count(accounts, name) > 0) return std::move(name);
  return std::nullopt;
}

}  // namespace

// Without a certificate the mechanism is as unknown as where it is not configured.
bool LoginDesk::is_by_certificate(const SaslStart& message) const {
  return certificates_.offered() && !message.handshake.empty() &&
         equals_ignoring_case(message.mechanism, kExternal);
}

void LoginDesk::start_certificate(Client& client, SaslStart&& message) {
  if (message.handshake.size() > tls::kMaxHandshake) return misbehaved(client.id, "too long a handshake");
  client.by_certificate = true;
  client.began = std::chrono::steady_clock::now();
  client.name.clear();
  ++client.attempts;
  if (is_shut_out(client)) return fail(client, LoginRefusal::too_many);
  client.handshake = std::move(message.handshake);
  if (message.initial_response) return respond_certificate(client, std::move(*message.initial_response));
  client.phase = Client::Phase::exchanging;
  client.channel->send(SaslChallenge{});
}

void LoginDesk::respond_certificate(Client& client, std::string&& authzid) {
  if (authzid.find('\0') != authzid.npos) return fail(client, LoginRefusal::malformed);
  client.name = std::move(authzid);
  client.phase = Client::Phase::checking;
  // By the connection's number and not by address: it may be gone when the answer comes.
  client.check = certificates_.check(client.id, std::exchange(client.handshake, {}),
                                     [this, id = client.id](CertificateDesk::Step&& step) {
                                       const auto found = clients_.find(id);
                                       if (found != clients_.end())
                                         certificate_step(*found->second, std::move(step));
                                     });
}

void LoginDesk::drop_certificate(Client& client) {
  client.by_certificate = false;
  client.handshake.clear();
  if (client.check != 0) certificates_.drop(std::exchange(client.check, 0));
}

void LoginDesk::certificate_step(Client& client, CertificateDesk::Step&& step) {
  client.check = 0;
  if (const auto* refused = std::get_if<CertificateDesk::Refused>(&step))
    return certificate_refused(client, refused->detail, refused->refusal);
  const auto& names = std::get<policy::CertificateNames>(step);
  const auto accounts = policy::accounts_of_certificate(config_.client_certificate.rules, names);
  auto account = chosen(accounts, client.name, config_.domains);
  if (accounts.empty())
    return certificate_refused(client, "no client-certificate.account for " + names.fingerprint,
                               LoginRefusal::bad_credentials);
  if (!account)
    return certificate_refused(client,
                               client.name.empty() ? "it is several accounts'; the client names none"
                                                   : "it may not act as that account",
                               LoginRefusal::bad_credentials);
  client.name = std::move(*account);
  prove(client);
}

void LoginDesk::certificate_refused(Client& client, std::string_view reason, LoginRefusal refusal) {
  log::write("certificate-refused",
             {{"session", log::Id{client.id}}, {"account", client.name}, {"reason", reason}});
  if (refusal == LoginRefusal::unavailable) return fail(client, refusal);
  refused_by_check(client, refusal);
}

}  // namespace mailroom::authd
