#include "daemons/config/tables.h"

namespace mailroom::config {

namespace {

using namespace std::chrono_literals;
using S = SmtpdConfig;
constexpr std::uint64_t kMiB = 1024 * 1024;

constexpr Key<S> kKeys[] = {
    {"command-timeout", Time<S>{&S::command_timeout, 5s, 1h}, Reload::new_connections,
     "How long the server waits for the next command (RFC 5321 4.5.3.2.7 asks for five minutes)."},
    {"data-timeout", Time<S>{&S::data_timeout, 5s, 1h}, Reload::new_connections,
     "How long it waits for the next part of a message's content (RFC 5321 4.5.3.2.5 asks for three "
     "minutes)."},
    {"session-timeout", Time<S>{&S::session_timeout, 1min, 24h * 7}, Reload::new_connections,
     "How long a connection may last."},
    {"error-delay", Time<S>{&S::error_delay, 0s, 1min}, Reload::new_connections,
     "Waiting time before each further refusal once half of max-errors has been reached."},
    {"max-message-size", Size<S>{&S::max_message_size, 64 * 1024, 2048 * kMiB}, Reload::new_connections,
     "The largest message (RFC 1870); a larger one is refused, at MAIL when the client has declared its "
     "size."},
    {"min-data-rate", Size<S>{&S::min_data_rate, 0, kMiB}, Reload::new_connections,
     "Octets in a second that the content of a message must arrive with, on average; 0 for no such limit."},
    {"max-recipients", Number<S>{&S::max_recipients, 100, 50'000}, Reload::new_connections,
     "Recipients of one message (RFC 5321 4.5.3.1.8 asks for at least 100); more are answered 452."},
    {"max-messages", Number<S>{&S::max_messages, 1, 1'000'000}, Reload::new_connections,
     "Messages of one connection; then 421."},
    {"max-errors", Number<S>{&S::max_errors, 1, 10'000}, Reload::new_connections,
     "Refused commands of one connection; then 421."},
    {"max-idle-commands", Number<S>{&S::max_idle_commands, 5, 100'000}, Reload::new_connections,
     "Commands of one connection that bring no message forward (NOOP, RSET, VRFY, HELP, EHLO); then 421. A "
     "message "
     "starts the count anew."},
    {"max-received", Number<S>{&S::max_received, 100, 1'000}, Reload::new_connections,
     "Received lines in a message; with more it is taken for a loop and refused (RFC 5321 6.3 asks for at "
     "least 100)."},
};

}  // namespace

std::span<const Key<SmtpdConfig>> smtpd_keys() { return kKeys; }

}  // namespace mailroom::config
