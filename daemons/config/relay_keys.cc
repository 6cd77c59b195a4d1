// relayd: mail to other hosts.
#include "daemons/config/tables.h"

namespace mailroom::config {

namespace {

using namespace std::chrono_literals;
using R = RelaydConfig;

constexpr Key<R> kKeys[] = {
    {"max-connections", Number<R>{&R::max_connections, 1, 100'000}, Reload::new_connections,
     "Connections to other hosts at the same time; each is a process."},
    {"connect-timeout", Time<R>{&R::connect_timeout, 1s, 10min}, Reload::new_connections,
     "How long a connection to one address may take to come about."},
    {"greeting-timeout", Time<R>{&R::greeting_timeout, 1s, 1h}, Reload::new_connections,
     "How long the far side's greeting may take (RFC 5321 4.5.3.2.1 asks for five minutes). This and the "
     "times below "
     "are for a reply as a whole, not for each part of it."},
    {"command-timeout", Time<R>{&R::command_timeout, 1s, 1h}, Reload::new_connections,
     "How long the reply to a command may take (RFC 5321 4.5.3.2.2 and 4.5.3.2.3 ask for five minutes)."},
    {"data-timeout", Time<R>{&R::data_timeout, 1s, 1h}, Reload::new_connections,
     "How long the reply to DATA may take (RFC 5321 4.5.3.2.4 asks for two minutes)."},
    {"block-timeout", Time<R>{&R::block_timeout, 1s, 1h}, Reload::new_connections,
     "How long the far side may take for 64 KiB of content (RFC 5321 4.5.3.2.5 asks for three minutes)."},
    {"final-timeout", Time<R>{&R::final_timeout, 1s, 2h}, Reload::new_connections,
     "How long the reply to the end of the content may take (RFC 5321 4.5.3.2.6 asks for ten minutes: "
     "whoever gives up "
     "early sends the message again)."},
    {"message-timeout", Time<R>{&R::message_timeout, 1min, 24h}, Reload::new_connections,
     "How long the whole dialogue about one message may take."},
    {"stop-timeout", Time<R>{&R::stop_timeout, 0s, 10min}, Reload::new_connections,
     "How long a stop waits for the reply to the end of a content that has been sent: what has none by then "
     "is sent again after the next start, and may arrive twice. mailroomd needs up to half a minute more to "
     "stop."},
};

}  // namespace

std::span<const Key<RelaydConfig>> relayd_keys() { return kKeys; }

}  // namespace mailroom::config
