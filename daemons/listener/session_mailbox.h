// How a session opens its account's mailbox: the same for POP3 and IMAP, by the configuration.
#pragma once

#include <cstdlib>
#include <functional>

#include "daemons/config.h"
#include "daemons/listener/protocol.h"
#include "daemons/log.h"
#include "spool/mailbox/mailbox.h"

namespace mailroom {

// queued may deliver again as long as it keeps a message, and a little longer when clocks differ.
inline constexpr std::chrono::hours kTombstoneMargin{48};

// What an operator must know of a session's mailbox.
inline void log_failure(const AfterLogin& session, const mailbox::Failure& failure) {
  const bool damaged = failure.code == mailbox::Failure::Code::damaged;
  log::write(damaged ? EventName{"message-damaged"} : EventName{"mailbox-failed"},
             {{"session", log::Id{session.connection}}, {"account", session.name}, {"reason", failure.text}});
}

inline mailbox::Options mailbox_options(const Config& config) {
  mailbox::Options options;
  options.path = ".";  // the account's directory is the session's root
  options.map_size = config.mailbox.index_map_size;
  options.snapshot_seconds = static_cast<std::int64_t>(config.mailbox.snapshot_interval.milliseconds / 1000);
  options.tombstone_seconds = static_cast<std::int64_t>(config.queued.lifetime.milliseconds / 1000) +
                              std::chrono::seconds{kTombstoneMargin}.count();
  return options;
}

inline mailbox::Options mailbox_options(const AfterLogin& session) {
  mailbox::Options options = mailbox_options(session.config);
  options.on_broken_index = [&session](std::string_view what) {
    log_failure(session, {mailbox::Failure::Code::corrupt_index, std::string{what}});
    std::_Exit(EXIT_FAILURE);
  };
  return options;
}

// What a session does about a failure: the operator is told, and a broken index is mended by the next
// session.
inline std::function<void(const mailbox::Failure&)> failure_handler(const AfterLogin& session,
                                                                    const mailbox::Mailbox& mail) {
  return [&session, &mail](const mailbox::Failure& failure) {
    log_failure(session, failure);
    if (failure.code == mailbox::Failure::Code::corrupt_index) mail.condemn_index();
  };
}

inline void log_rebuilt_index(const AfterLogin& session, const mailbox::Mailbox& mail) {
  const auto& rebuilt = mail.rebuilt();
  if (!rebuilt) return;
  log::write("index-rebuilt", {{"session", log::Id{session.connection}},
                               {"account", session.name},
                               {"kept", rebuilt->from_snapshot},
                               {"adopted", rebuilt->adopted},
                               {"missing", rebuilt->missing}});
}

}  // namespace mailroom
