#include "daemons/certd/server.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "daemons/base/certificates_off.h"
#include "daemons/base/channel_end.h"
#include "daemons/log.h"
#include "libcommon/text/hex.h"

namespace mailroom::certd {
namespace {

std::string read_whole(int fd, std::size_t limit) {
  std::string content(limit, '\0');
  std::size_t size = 0;
  while (size < limit) {
    const ssize_t got = ::read(fd, content.data() + size, limit - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  content.resize(size);
  return content;
}

std::expected<tls::ClientVerifier, std::string> make_verifier(const Host& host) {
  const ClientCertificateConfig& config = host.config.client_certificate;
  const Fd lists = host.take_descriptor("revocations");
  const std::string revocations = lists ? read_whole(lists.get(), kMaxRevocationsSize) : "";
  if (revocations.empty() && !config.revocations_file.empty())
    return std::unexpected("revocations: nothing can be read");
  return tls::ClientVerifier::make(config.authorities_pem, revocations);
}

}  // namespace

CertdToAuthd answer(const tls::ClientVerifier& verifier, const CheckHandshake& question,
                    std::chrono::sys_seconds now) {
  const SignedHandshake& made = question.made;
  auto names =
      verifier.verify({made.certificates, made.to_be_signed, made.signature}, question.handshake, now);
  if (!names) return CertificateRefused{question.check, std::move(names.error())};
  const std::string_view fingerprint{reinterpret_cast<const char*>(names->fingerprint.data()),
                                     names->fingerprint.size()};
  return CertificateProved{question.check,
                           {encode_hex(fingerprint), std::move(names->emails), std::move(names->hosts)}};
}

Server::Server(const Host& host) : host_{host}, verifier_{make_verifier(host)} {
  const ClientCertificateConfig& config = host_.config.client_certificate;
  if (verifier_) {
    log::write("authorities-loaded",
               {{"authorities", verifier_->authorities()}, {"revocations", verifier_->revocations()}});
  } else {
    const bool has_authorities = tls::ClientVerifier::make(config.authorities_pem, "").has_value();
    log_certificates_off(has_authorities ? config.revocations_file : config.authorities_file, 0,
                         verifier_.error());
  }
}

CertdToAuthd Server::answer_to(const CheckHandshake& question) const {
  if (!verifier_) return CannotCheck{question.check};
  return answer(*verifier_, question,
                std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

void Server::attach(const std::string&, const std::string&, LeasedFd fd) {
  authd_ = std::make_unique<Channel>(
      host_.loop, std::move(fd), 0,
      [this](AuthdToCertd&& message, std::vector<Fd>&&) {
        authd_->send(answer_to(std::get<CheckHandshake>(message)));
      },
      [this](event::ChannelEnd why) {
        log_channel_end("authd-certd", "authd", why);
        authd_.reset();
      });
}

}  // namespace mailroom::certd
