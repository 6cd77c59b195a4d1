// What is left to a process that has been taken over: the table that tests/breach compares with every running
// process, both ways. A primitive that begins to work somewhere fails the test, and so does one that no
// longer does.
//
// tests/breach/*_primitives.cc says what each of them does.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace mailroom {

// Where an attacker may find himself.  Beside the roles of processes.h there are what the listeners fork.
enum class Place : std::uint8_t {
  supervisor,
  logd,
  keyd,
  policyd,
  authd,
  deliverd,
  queued,
  dnsd,
  stsd,
  krbd,
  kdcd,
  certd,
  smtp_listener,     // the process of smtpd that accepts and forks
  smtp_connection,   // its children, which have its filter
  listener,          // the same of pop3d and imapd
  connection,        // their children before login
  session,           // and after it
  relayd,            // the process that forks a client for each connection to another host
  relay_connection,  // its children, which have its filter
  kLast = relay_connection,
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Place::kLast) + 1> kPlaceNames{
    "supervisor", "logd",       "keyd",    "policyd", "authd",           "deliverd",      "queued",
    "dnsd",       "stsd",       "krbd",    "kdcd",    "certd",           "smtp-listener", "smtp-connection",
    "listener",   "connection", "session", "relayd",  "relay-connection"};

constexpr std::string_view place_name(Place place) { return kPlaceNames[static_cast<std::size_t>(place)]; }
constexpr std::optional<Place> place_of(std::string_view name) {
  const auto* found = std::ranges::find(kPlaceNames, name);
  if (found == kPlaceNames.end()) return std::nullopt;
  return static_cast<Place>(found - kPlaceNames.begin());
}

class Places {
 public:
  constexpr Places(std::initializer_list<Place> places) {
    for (const Place place : places) bits_ |= bit(place);
  }
  constexpr bool contains(Place place) const { return (bits_ & bit(place)) != 0; }

 private:
  static constexpr std::uint32_t bit(Place place) { return std::uint32_t{1} << static_cast<unsigned>(place); }
  std::uint32_t bits_ = 0;
};

inline constexpr auto kPlaces = [] {
  std::array<Place, kPlaceNames.size()> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Place>(i);
  return all;
}();

// What becomes of an attempt that does not work: an error, or the end of the process, or either, as the
// filter of the process has it.
enum class Refusal : std::uint8_t { error, ends, either };

struct WallRow {
  std::string_view primitive;
  Refusal refusal;
  Places works_in;
};

inline constexpr Places kNowhere{};

inline constexpr WallRow kWalls[] = {
    // ---- files
    // "outside" is outside its root directory: the host's passwords, the configuration, the TLS key, /proc,
    // other accounts
    // The supervisor reads what the configuration names, which may be anywhere.
    {"open-outside", Refusal::error, Places{Place::supervisor}},
    {"write-outside", Refusal::error, kNowhere},
    {"change-mode-outside", Refusal::error, kNowhere},  // or the owner, of a file that can be read
    {"create-outside", Refusal::error, kNowhere},
    {"list-outside", Refusal::error, Places{Place::supervisor}},
    // O_PATH, through spool/mail, which listeners hold for their sessions: nothing can be read by it
    {"reach-outside", Refusal::error, Places{Place::supervisor, Place::listener}},
    {"stat-outside", Refusal::error, Places{Place::supervisor}},
    {"link-outside", Refusal::error, kNowhere},
    {"open-old-ways", Refusal::error, kNowhere},  // open, creat, openat2
    // by a descriptor that it has; the supervisor may by a path, which is open-outside
    {"list-mail", Refusal::error, Places{Place::deliverd, Place::listener}},
    // A listener starts sessions, so that it can become any account.
    {"read-mail", Refusal::error, Places{Place::listener}},
    {"list-own-root", Refusal::error,
     Places{Place::supervisor, Place::policyd, Place::authd, Place::queued, Place::krbd, Place::kdcd,
            Place::session}},
    {"create-in-own-root", Refusal::error,
     Places{Place::policyd, Place::authd, Place::queued, Place::krbd, Place::kdcd, Place::session}},
    {"give-away-file", Refusal::error, kNowhere},     // chown
    {"make-set-uid-file", Refusal::error, kNowhere},  // chmod, umask
    {"set-attribute", Refusal::error, kNowhere},
    {"make-symbolic-link", Refusal::error, kNowhere},
    {"make-device", Refusal::error, kNowhere},
    {"open-by-handle", Refusal::ends, kNowhere},
    {"change-root", Refusal::error, Places{Place::listener}},
    {"mount", Refusal::ends, kNowhere},
    {"write-sealed-content", Refusal::error, kNowhere},  // write to the memfds it was handed
    // ---- identities
    {"become-root", Refusal::error, kNowhere},
    {"become-daemon", Refusal::error, kNowhere},
    {"become-account", Refusal::error, Places{Place::listener}},
    {"become-group-root", Refusal::error, kNowhere},
    {"set-groups", Refusal::error, kNowhere},
    {"files-as-root", Refusal::error, kNowhere},  // setfsuid
    {"files-as-daemon", Refusal::error, kNowhere},
    {"files-as-account", Refusal::error, Places{Place::deliverd}},
    {"files-as-nobody-of-ours", Refusal::error, kNowhere},  // a uid beyond the accounts
    {"gain-capabilities", Refusal::error, kNowhere},
    {"loosen-securebits", Refusal::error, kNowhere},
    {"become-dumpable", Refusal::error, kNowhere},
    {"outlive-supervisor", Refusal::error, kNowhere},
    // ---- processes
    {"fork", Refusal::error, Places{Place::smtp_listener, Place::listener, Place::relayd}},
    {"clone-other-ways", Refusal::error, kNowhere},  // threads, namespaces, clone3
    {"enter-namespaces", Refusal::ends, kNowhere},
    {"execute", Refusal::ends, kNowhere},
    {"signal-others", Refusal::error, kNowhere},
    {"signal-by-descriptor", Refusal::error, kNowhere},  // F_SETOWN
    {"hold-others", Refusal::ends, kNowhere},            // pidfds
    {"look-into-others", Refusal::ends, kNowhere},       // ptrace, process_vm_readv
    {"limit-others", Refusal::error, kNowhere},
    {"raise-own-limits", Refusal::error, kNowhere},
    {"schedule-others", Refusal::error, kNowhere},
    {"leave-process-group", Refusal::error, kNowhere},
    // ---- memory
    {"executable-mapping", Refusal::error, kNowhere},
    {"make-executable", Refusal::error, kNowhere},
    {"read-implies-exec", Refusal::error, kNowhere},
    {"shared-memory", Refusal::error, kNowhere},  // System V, POSIX queues
    {"memory-file", Refusal::error,
     Places{Place::supervisor, Place::queued, Place::smtp_listener, Place::smtp_connection, Place::listener,
            Place::connection}},
    {"secret-memory", Refusal::error, kNowhere},
    // ---- the network, sockets and pipes
    {"open-tcp-socket", Refusal::either,
     Places{Place::supervisor, Place::dnsd, Place::stsd, Place::kdcd, Place::relayd,
            Place::relay_connection}},
    {"open-udp-socket", Refusal::either, Places{Place::dnsd, Place::stsd, Place::kdcd}},
    {"open-local-socket", Refusal::either, Places{Place::relayd, Place::relay_connection}},
    {"open-other-socket", Refusal::either, kNowhere},
    {"connect-to-any-port", Refusal::either, Places{Place::relayd, Place::relay_connection}},
    // by its one connection to another host
    {"connect", Refusal::error, Places{Place::relay_connection}},
    {"connect-by-sending", Refusal::error, kNowhere},  // TCP Fast Open
    {"bind", Refusal::error,
     Places{Place::supervisor, Place::dnsd, Place::stsd,
            Place::kdcd}},  // the servers for UDP; Landlock refuses TCP
    // control sockets of the tools; a listener's own
    {"accept", Refusal::error,
     Places{Place::logd, Place::policyd, Place::authd, Place::queued, Place::smtp_listener, Place::listener}},
    {"make-socket-pair", Refusal::error,
     Places{Place::supervisor, Place::queued, Place::smtp_listener, Place::smtp_connection, Place::listener,
            Place::relayd, Place::relay_connection}},
    {"set-socket-options", Refusal::error, kNowhere},
    {"make-log-block", Refusal::error, kNowhere},  // the log pipe is shared
    {"change-pipe-size", Refusal::error, kNowhere},
    {"control-devices", Refusal::error, kNowhere},  // ioctl
    // ---- the kernel
    {"io-uring", Refusal::ends, kNowhere},
    {"user-page-faults", Refusal::ends, kNowhere},
    {"bpf", Refusal::ends, kNowhere},
    {"performance-events", Refusal::ends, kNowhere},
    {"key-rings", Refusal::ends, kNowhere},
    {"modules", Refusal::ends, kNowhere},
    {"watch-files", Refusal::error, Places{Place::listener, Place::session}},
    {"watch-all-files", Refusal::error, kNowhere},  // fanotify
    {"signal-descriptor", Refusal::error, kNowhere},
    {"timer-descriptor", Refusal::error, kNowhere},
    {"event-descriptor", Refusal::error, kNowhere},
    {"kernel-log", Refusal::error, kNowhere},
    {"names-of-machine", Refusal::error, kNowhere},
    {"clock", Refusal::error, kNowhere},
    {"ports-and-segments", Refusal::error, kNowhere},
    {"accounting", Refusal::error, kNowhere},
    {"splice", Refusal::error, kNowhere},
    {"answer-for-kernel", Refusal::error, kNowhere},  // a seccomp listener
    {"calls-of-i386", Refusal::ends, kNowhere},
    {"calls-of-x32", Refusal::ends, kNowhere},
    {"calls-unheard-of", Refusal::error, kNowhere},  // newer than Debian 12
};

// What may be in whose memory.  Of connection and session only that one may which the secret is of: a
// password the connection that it was typed on, mail and the keys of TLS the session of its account.
// tests/breach/20-leaks.t searches all of them.
struct SecretRow {
  std::string_view secret;
  Places holders;
};

inline constexpr SecretRow kSecrets[] = {
    {"tls-key", Places{Place::keyd}},
    {"password-hash", Places{Place::authd}},
    {"scram-keys", Places{Place::authd}},
    {"right-password", kNowhere},
    {"wrong-password", kNowhere},
    {"smarthost-password", Places{Place::authd}},
    {"keytab", Places{Place::krbd}},
    {"kdc-password", kNowhere},   // of a login that is over
    {"last-password", kNowhere},  // which nothing came after
    {"new-password", kNowhere},   // set by mr-account, beyond ASCII
    {"mail", Places{Place::queued, Place::deliverd}},
    {"mail-away", Places{Place::queued, Place::relay_connection}},  // to another host
    {"traffic-keys", kNowhere},
};

constexpr const WallRow* wall_row(std::string_view primitive) {
  const auto* found = std::ranges::find(kWalls, primitive, &WallRow::primitive);
  return found == std::end(kWalls) ? nullptr : found;
}

}  // namespace mailroom
