// Peers of the IMAP engines: accounts, TLS, waiting, and a mailbox in a temporary directory.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "daemons/imapd/session.h"
#include "daemons/listener/authenticator.h"
#include "daemons/listener/tls_upgrade.h"
#include "tests/transcripts/transcript.h"

namespace mailroom {

using Events = std::vector<std::string>;

// joe has the password "secret"; the other names are answered as they say.
class FakeAuthenticator : public Authenticator {
 public:
  explicit FakeAuthenticator(Events& events) : events_{&events} {}

  std::vector<std::string> mechanisms() const override { return {"PLAIN", "LOGIN"}; }
  AuthStep start(std::string_view mechanism, std::optional<std::string_view> initial_response) override {
    events_->push_back("start " + std::string{mechanism} +
                       (initial_response ? " " + transcript::escape(*initial_response) : ""));
    mechanism_ = mechanism;
    step_ = 0;
    if (initial_response) return respond(*initial_response);
    return AuthChallenge{mechanism == "LOGIN" ? "Username:" : ""};
  }

  AuthStep respond(std::string_view data) override {
    events_->push_back("respond " + transcript::escape(data));
    if (mechanism_ == "LOGIN") {
      if (++step_ == 1) {
        name_ = data;
        return AuthChallenge{"Password:"};
      }
      return judge(sasl_plain_message(name_, data));
    }
    return judge(data);
  }

  void cancel() override { events_->push_back("cancel"); }

 private:
  static AuthStep judge(std::string_view plain) {
    using Kind = AuthFailure::Kind;
    if (plain == sasl_plain_message("joe", "secret")) return AuthSuccess{};
    const auto is = [&](std::string_view name) { return plain.starts_with(sasl_plain_message(name, "")); };
    if (plain == sasl_plain_message("soon", "secret")) return AuthSuccess{1};
    if (is("gone")) return AuthFailure{Kind::unavailable};
    if (is("old")) return AuthFailure{Kind::expired};
    if (is("off")) return AuthFailure{Kind::service_off};
    if (is("many")) return AuthFailure{Kind::too_many};
    if (plain.find('\0') == std::string_view::npos) return AuthFailure{Kind::malformed};
    return AuthFailure{Kind::bad_credentials};
  }

  Events* events_;
  std::string mechanism_;
  std::string name_;
  int step_ = 0;
};

class FakeTls : public TlsUpgrade {
 public:
  FakeTls(transcript::ScriptStream& stream, Events& events) : stream_{&stream}, events_{&events} {}
  Stream& start() override {
    events_->push_back("tls");
    return *stream_;
  }

 private:
  transcript::ScriptStream* stream_;
  Events* events_;
};

// The client of a transcript always has something to say.
class ClientFirst : public imapd::Wait {
 public:
  Woke for_client(std::chrono::steady_clock::time_point) override { return Woke::client; }
  Woke for_both(std::chrono::steady_clock::time_point) override { return Woke::client; }
};

class TemporaryAccount {
 public:
  explicit TemporaryAccount(const std::filesystem::path& base = std::filesystem::temp_directory_path()) {
    std::string name = (base / "imapd-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TemporaryAccount() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryAccount(const TemporaryAccount&) = delete;
  TemporaryAccount& operator=(const TemporaryAccount&) = delete;

  const std::filesystem::path& path() const { return path_; }

  mailbox::Mailbox open() const {
    mailbox::Options options;
    options.path = path_.string();
    imapd::set_summary(options);
    auto mail = mailbox::Mailbox::open(std::move(options));
    if (!mail) throw std::runtime_error(mail.error().text);
    return std::move(*mail);
  }

 private:
  std::filesystem::path path_;
};

// 17-Jul-1996 02:44:25 -0700
inline constexpr std::int64_t kSomeDate = 837596665;

inline void append_message(mailbox::Mailbox& mail, std::string_view folder, std::string_view octets,
                           mailbox::Flags flags = 0) {
  auto staged = mail.stage();
  if (!staged || !staged->write(octets)) throw std::runtime_error("stage");
  std::vector<mailbox::NewMessage> messages;
  messages.push_back({.staged = std::move(*staged), .flags = flags, .internal_date = kSomeDate});
  const auto id = mail.find(folder);
  if (!id || !mail.append(*id, std::move(messages))) throw std::runtime_error("append");
}

}  // namespace mailroom
