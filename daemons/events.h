// Everything that is logged: one row for each event.  Log lines, counters and the list in mailroom-log(5)
// come from it.
//
// A daemon names the event by its word, as in log::write("session-started", {...}); a word that is not in the
// table does not compile.  To log something new, add a row here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "daemons/log_level.h"

namespace mailroom {

struct EventRow {
  std::string_view name;  // lower case words with hyphens
  LogLevel level;
  std::string_view keys;  // the facts that come with it, in this order; some may be absent
  std::string_view help;  // for mailroom-log(5)
};

inline constexpr EventRow kEvents[] = {
    // Supervisor
    {"starting", LogLevel::info, "version mode config", "The supervisor begins to start the system."},
    {"started", LogLevel::info, "processes", "Every process has said that it is ready."},
    {"stopping", LogLevel::info, "signal",
     "mailroomd was asked to stop; the supervisor tells every process."},
    {"stopped", LogLevel::info, "", "Every process has ended."},
    {"unprivileged", LogLevel::warning, "",
     "Runs without separate uids and root directories: for trying out only."},
    {"kernel-lacks", LogLevel::warning, "feature consequence", "The kernel does not offer a protection."},
    {"process-started", LogLevel::debug, "process pid", "A process was started."},
    {"process-ready", LogLevel::debug, "process pid", "A process has said that it is ready."},
    {"process-ended", LogLevel::info, "process pid reason", "A process ended as it was told to."},
    {"process-died", LogLevel::error, "process pid reason restart-in",
     "A process ended unasked; it is started again."},
    {"reload-done", LogLevel::info, "config", "A new configuration is in effect for new connections."},
    {"reload-refused", LogLevel::error, "config errors",
     "The new configuration is wrong, or the system is stopping; nothing was changed."},
    {"config-error", LogLevel::error, "file line reason", "One error of a configuration."},
    {"start-failed", LogLevel::error, "process reason", "Something needed to start is not there."},

    // Every process
    {"fatal", LogLevel::error, "reason", "A broken invariant: the process ends and is started afresh."},
    {"peer-misbehaved", LogLevel::error, "session channel peer reason",
     "A process asked for what it may not have; the request was refused, its channel closed, or it was "
     "ended."},
    {"channel-closed", LogLevel::warning, "channel peer reason",
     "A channel to another process was closed: what came over it was not as it must be, or the other does "
     "not "
     "read."},
    {"channel-remade", LogLevel::warning, "channel asker server lost",
     "A channel between two processes that both go on had ended, for the reason that one of them has logged; "
     "it "
     "was made anew."},

    // Listeners and connections
    {"accept-failed", LogLevel::error, "address reason", "A connection could not be accepted."},
    {"connection-opened", LogLevel::info, "session service peer local child", "A client has connected."},
    {"connection-closed", LogLevel::info, "session service peer reason seconds",
     "The process of a connection ended."},
    {"connection-refused", LogLevel::warning, "service peer reason", "A limit of connections was reached."},
    {"connection-evicted", LogLevel::warning, "session service peer",
     "The service was full; the connection that had "
     "been there longest without login was ended for another."},
    {"connection-crashed", LogLevel::error, "session service peer reason",
     "The process of a connection ended by a signal: a defect, of which a client may make use. Its listener "
     "is started afresh; what else that address has open to it ends, but for sessions, and other addresses' "
     "connections go on. Please report it, with the lines of its session and what gdb -p CHILD shows at the "
     "crash of the next one."},
    {"service-crashing", LogLevel::error, "process crashes seconds do",
     "Many connections of a service have crashed in a short time; said at most once in that time. The "
     "service "
     "is not slowed down. Clients that do it again and again from one address are shut out; block others "
     "at the firewall."},
    {"address-shut-out", LogLevel::warning, "service peer until",
     "Connections from an address caused several crashes."},
    {"tls-started", LogLevel::info, "session version cipher name",
     "TLS is on; name is what the client asked for."},
    {"tls-failed", LogLevel::info, "session reason", "A TLS handshake failed."},
    {"protocol-error", LogLevel::info, "session reason", "A connection was ended for what the client sent."},
    {"command-refused", LogLevel::info, "session command reply", "The client broke the protocol or a limit."},

    // Login and sessions
    {"login-succeeded", LogLevel::info, "session account mechanism tls", "A name was proved and admitted."},
    {"login-failed", LogLevel::warning, "session account mechanism peer reason", "A login was refused."},
    {"ticket-refused", LogLevel::info, "session account reason",
     "A Kerberos ticket, or a KDC's answer to a password, was not good."},
    {"certificate-refused", LogLevel::info, "session account reason",
     "A client certificate did not prove who it said."},
    {"password-expires", LogLevel::info, "session account days",
     "A login with a password that must be changed within so many days; the client was told."},
    {"verifiers-made", LogLevel::info, "session account",
     "A password that was just proved got what SCRAM needs, and its age is counted from now."},
    {"login-delayed", LogLevel::warning, "session account peer failures",
     "Too many failures: the answer is delayed."},
    {"login-shut-out", LogLevel::warning, "session peer failures",
     "Too many failures from an address: refused unasked."},
    {"session-started", LogLevel::info, "session account uid child", "A session runs as its account."},
    {"session-ended", LogLevel::info, "session account reason seconds",
     "The process of a session ended.  With "
     "reason=\"signal ALRM\" the account's index could not be opened in time: somebody with its uid keeps it "
     "locked."},
    {"session-refused", LogLevel::error, "session account reason",
     "A hand-over was asked for without a valid verdict, "
     "or the account's directory is not as it must be."},
    {"session-revoked", LogLevel::info, "session account", "The account was changed; its session was ended."},

    // Mail in
    {"sender-refused", LogLevel::info, "session sender reply rule facts", "A reverse-path was refused."},
    {"recipient-accepted", LogLevel::info, "session queue sender recipient rule facts",
     "A recipient was accepted; rule and facts say why."},
    {"recipient-refused", LogLevel::info, "session sender recipient reply rule facts",
     "A recipient was refused; rule and facts say why."},
    {"envelope-refused", LogLevel::error, "session queue reason",
     "Content came for an envelope that is not authorised."},
    {"message-accepted", LogLevel::info, "session queue sender recipients size account",
     "A message is in the queue, "
     "durable; the client has been told."},
    {"message-refused", LogLevel::info, "session queue sender reply reason",
     "The content of a message was refused."},

    // Queue and delivery
    {"queue-recovered", LogLevel::info, "messages segments seconds", "The queue was read at start."},
    {"queue-record-bad", LogLevel::error, "segment offset reason",
     "A record before the last commit is damaged; it was "
     "put aside."},
    {"queue-full", LogLevel::warning, "reason", "New messages are answered 452."},
    {"sync-failed", LogLevel::error, "segment reason",
     "The disk refused to make a batch durable; all of it was answered "
     "451 and the segment given up."},
    {"recording-fails", LogLevel::error, "reason",
     "The disk does not take what becomes of messages: until it does, none is sent to another host, as it "
     "would be sent again after the next start."},
    {"recording-works", LogLevel::info, "", "The disk takes again what becomes of messages."},
    {"segment-opened", LogLevel::debug, "segment", "A new segment of the queue was begun."},
    {"segment-removed", LogLevel::debug, "segment", "A segment held no live message any more."},
    {"message-queued", LogLevel::info, "session queue sender recipients size hash",
     "A message became durable."},
    {"message-delivered", LogLevel::info, "queue recipient account seconds",
     "A delivery is durable in the mailbox."},
    {"message-deferred", LogLevel::warning, "queue recipient account host address attempts seconds reason",
     "A recipient could not be reached; after so many attempts it is tried again in so many seconds."},
    {"message-expired", LogLevel::error, "queue recipients seconds reason",
     "So many recipients are given up after so many seconds; the reason is the last one of the first of "
     "them."},
    {"message-relayed", LogLevel::info, "queue recipient host address seconds reply",
     "Another host has taken a message for a recipient."},
    {"message-refused-by-host", LogLevel::warning, "queue recipient host reply",
     "A recipient was refused for good: by the host, because there is no way to it, or because the message "
     "has been delivered there before."},
    {"destination-waits", LogLevel::warning, "destination host failures seconds reason",
     "No connection to a destination came about: nothing is tried there for a while."},
    {"destination-held", LogLevel::info, "destination", "An operator holds all mail for a destination."},
    {"destination-released", LogLevel::info, "destination", "An operator releases a destination."},
    {"relay-cut", LogLevel::warning, "relay queue reason",
     "A relay process ended before it had answered; its message is tried again."},
    {"stop-waits", LogLevel::info, "connections seconds",
     "The system stops, and waits for so many other hosts' replies, for so long at most."},
    {"message-done", LogLevel::info, "queue seconds", "Nothing of a message is left to do."},
    {"message-held", LogLevel::info, "queue", "An operator holds a message."},
    {"message-stuck", LogLevel::error, "queue reason",
     "A message is held, as only an operator can say what is to become of it."},
    {"message-released", LogLevel::info, "queue", "An operator releases a message."},
    {"message-removed", LogLevel::warning, "queue sender", "An operator removed a message."},
    {"delivery-failed", LogLevel::error, "queue recipient account reason",
     "A message could not be put into a mailbox."},
    {"report-queued", LogLevel::info, "queue about recipient action",
     "Somebody is told what became of a message: a report is in the queue, durable."},
    {"report-dropped", LogLevel::warning, "about recipient action reason",
     "Nobody is told what became of a message, for good or, where the reason says so, for the time being."},
    {"report-suppressed", LogLevel::info, "about recipient action client domain reason",
     "The sender is not told what became of a message: the client that it came from may not send as that "
     "address, says the SPF record of the domain. Of a failure the postmaster is told instead "
     "(queued.double-bounce)."},
    {"delivery-batch", LogLevel::debug, "deliveries milliseconds", "Deliveries were made durable together."},

    // Mail out
    {"relay-connected", LogLevel::info, "relay host peer tls verified",
     "A mail session with another host has begun."},
    {"relay-failed", LogLevel::warning, "relay host peer failure reason reply tls-result",
     "A host or one of its addresses could not be used; the next one is tried, if there is one."},
    {"relay-refused", LogLevel::warning, "relay reason",
     "No process could be made for a connection to another host."},
    {"relay-message", LogLevel::debug, "relay queue recipients taken size",
     "A message went over a connection."},
    {"relay-next-host", LogLevel::warning, "relay queue host peer reply",
     "A host took a session and put the message off before it had the content: another host of the "
     "destination is tried at once."},
    {"relay-closed", LogLevel::info, "relay reason seconds",
     "The process of a connection to another host ended."},

    // Mailboxes
    {"mailbox-summary", LogLevel::info, "session account retrieved removed octets", "What a session did."},
    {"mailbox-failed", LogLevel::error, "session account reason",
     "The disk or the index refused; the client was told NO."},
    {"message-damaged", LogLevel::error, "session account reason",
     "A message's file is not there or not what its name says; the client was told NO."},
    {"index-rebuilt", LogLevel::warning, "session account kept adopted missing",
     "A lost index was made anew from its snapshot and the files; adopted ones are in INBOX."},

    // Accounts and policy
    {"account-added", LogLevel::info, "account id", "An account was made."},
    {"account-changed", LogLevel::info, "account id change", "An account was changed."},
    {"account-removed", LogLevel::info, "account id", "An account was removed; its mail was put aside."},
    {"grant-given", LogLevel::info, "account network seconds",
     "An account has read mail: its network may send as it for so long."},
    {"grant-revoked", LogLevel::info, "account network grants", "Grants were taken back before their time."},
    {"grants-full", LogLevel::warning, "account peer", "No grant was given: there are too many."},
    {"limit-passed", LogLevel::warning, "session scope name unit period limit",
     "Somebody has sent more than a soft limit; logged once in each window."},
    {"limit-released", LogLevel::info, "scope name", "An operator has let somebody send again."},
    {"device-changed", LogLevel::info, "device step state who why change",
     "A step was taken in the registry of devices: by an operator, or, as policyd, by the system."},
    {"device-report-refused", LogLevel::warning, "device address reply meaning reports",
     "A report to a device's sender address was refused; one whose meaning is bad-address counts, and is "
     "that "
     "many within policyd.device-report-window."},
    {"device-suspended", LogLevel::warning, "device reason",
     "The system has suspended a device; mr-device resume releases it."},
    {"device-would-be-suspended", LogLevel::warning, "device reason",
     "The same, had policyd.device-suspension been on."},
    {"device-contact-told", LogLevel::info, "device recipient sent",
     "A contact of a device hears of its suspension; no: nobody has that address, or it is tried again."},
    {"device-review-passed", LogLevel::warning, "device review",
     "A device should have been reviewed by that day; logged at start and once a day."},
    {"tls-report", LogLevel::info, "domain recipient sent reason",
     "The daily report on TLS with another domain was written, and sent or not."},
    {"authorities-missing", LogLevel::warning, "file",
     "There are no certificates of authorities: nothing can be proved by a certificate."},
    {"sts-policy", LogLevel::info, "domain id mode max-age",
     "The MTA-STS policy of another domain was fetched."},
    {"sts-failed", LogLevel::warning, "domain result reason kept",
     "An MTA-STS policy could not be fetched; what was kept before counts until it ends."},
    {"state-failed", LogLevel::error, "reason", "The shared state could not be read or written."},
    {"credentials-asked", LogLevel::info, "relay user",
     "A connection to another host asked for the credentials of its route; without user: there are none."},
    {"control-command", LogLevel::info, "tool command", "An operator's tool asked for a change."},

    // Keys and logs
    {"key-loaded", LogLevel::info, "names", "A private key is in keyd, or a key of the keytab in krbd."},
    {"key-refused", LogLevel::error, "names reason", "A private key does not fit its certificate."},
    {"authorities-loaded", LogLevel::info, "authorities revocations",
     "certd has so many authorities of client certificates, and lists of what they revoked."},
    {"signature-refused", LogLevel::error, "session reason",
     "keyd was asked to sign what is not a TLS handshake."},
    {"stray-output", LogLevel::warning, "text", "A process wrote something that is not an event."},
};

// A word of the table, checked when the program is compiled.
class EventName {
 public:
  consteval EventName(const char* name)
      : row_{find(name)} {}  // implicit, so that a call reads as the line it writes
  constexpr const EventRow& row() const { return *row_; }

 private:
  static consteval const EventRow* find(std::string_view name) {
    for (const auto& row : kEvents)
      if (row.name == name) return &row;
    throw "no such event in daemons/events.h";
  }
  const EventRow* row_;
};

}  // namespace mailroom
