#include "tests/authority/channel_words.h"

#include <stdexcept>
#include <utility>

#include "daemons/base/listener_service.h"
#include "daemons/channels/authd.h"
#include "daemons/channels/certd.h"
#include "daemons/channels/deliverd.h"
#include "daemons/channels/dnsd.h"
#include "daemons/channels/kdcd.h"
#include "daemons/channels/keyd.h"
#include "daemons/channels/krbd.h"
#include "daemons/channels/policyd.h"
#include "daemons/channels/queued.h"
#include "daemons/channels/relayd.h"
#include "daemons/channels/stsd.h"
#include "tests/authority/examples.h"

namespace mailroom::test {
namespace {

constexpr AccountId kNoAccount = 0xfffffff0;
const IpAddress kHere{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}, 1};

// An example is made of ones; what it must not mean in earnest is put right: no delivery, and no host but
// this one.
template <typename Message>
Message harmless() {
  auto message = example<Message>();
  if constexpr (requires { message.account; }) message.account = kNoAccount;
  if constexpr (requires { message.addresses; }) message.addresses = {kHere};
  return message;
}

template <typename Variant>
std::vector<Word> words() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::vector{Word{
        ipc::encode(Variant{std::in_place_index<I>, harmless<std::variant_alternative_t<I, Variant>>()})}...};
  }
  (std::make_index_sequence<std::variant_size_v<Variant>>{});
}

// Of which the first kind of message brings a descriptor.
template <typename Variant>
std::vector<Word> words_with_descriptor() {
  auto all = words<Variant>();
  all.front().descriptors = 1;
  return all;
}

template <typename Variant>
std::string opened(Service service, ConnectionId id) {
  return ipc::encode(Variant{ConnectionOpened{id, service, kHere}});
}

template <typename Variant>
std::vector<Word> listeners_words(Service service, std::size_t descriptors) {
  auto all = words<Variant>();
  all.front() = {opened<Variant>(service, 1), descriptors};
  return all;
}

struct BothEnds {
  std::vector<Word> to_server;
  std::vector<Word> to_asker;
};

BothEnds of_listener(const ChannelRow& row) {
  const Service service = service_of(row.asker).value();
  switch (row.server) {
  case Role::authd:
    return {listeners_words<ListenerToAuthd>(service, 1), {}};
  case Role::policyd:
    return {listeners_words<ListenerToPolicyd>(service, is_smtp(service) ? 1 : 0),
            words<PolicydToListener>()};
  case Role::queued:
    return {listeners_words<ListenerToQueued>(service, 1), {}};
  case Role::keyd:
    return {words_with_descriptor<ListenerToKeyd>(), {}};
  default:
    throw std::logic_error("no words for " + std::string{row.name});
  }
}

BothEnds of_row(const ChannelRow& row) {
  if (is_listener(row.asker) && row.asker != Role::relayd) return of_listener(row);
  if (row.name == "authd-policyd") return {words<AuthdToPolicyd>(), words<PolicydToAuthd>()};
  if (row.name == "authd-keyd") return {words<AuthdToKeyd>(), words<KeydToAuthd>()};
  if (row.name == "authd-certd") return {words<AuthdToCertd>(), words<CertdToAuthd>()};
  if (row.name == "authd-krbd") return {words<AuthdToKrbd>(), words<KrbdToAuthd>()};
  if (row.name == "authd-kdcd") return {words<AuthdToKdcd>(), words<KdcdToAuthd>()};
  if (row.name == "policyd-queued") return {words<PolicydToQueued>(), words<QueuedToPolicyd>()};
  if (row.name == "queued-deliverd")
    return {words_with_descriptor<QueuedToDeliverd>(), words<DeliverdToQueued>()};
  if (row.name == "queued-dnsd" || row.name == "policyd-dnsd")
    return {words<AskerToDnsd>(), words<DnsdToAsker>()};
  if (row.name == "policyd-stsd") return {words<PolicydToStsd>(), words<StsdToPolicyd>()};
  if (row.name == "queued-policyd") return {words<QueuedAsksPolicyd>(), words<PolicydAnswersQueued>()};
  if (row.name == "queued-relayd") return {words_with_descriptor<QueuedToRelayd>(), words<RelaydToQueued>()};
  if (row.name == "relayd-authd") return {words_with_descriptor<RelaydToAuthd>(), {}};
  throw std::logic_error("no words for " + std::string{row.name});
}

// What a connection that has come over the row says on its own channel.
void add_connections(const ChannelRow& row, std::vector<Speech>& speeches) {
  const auto add = [&](std::vector<Word> words, std::function<std::string(std::uint64_t)> opening) {
    const std::string name{row.name};
    speeches.push_back({name + " connection", row.server, std::move(words), name, std::move(opening)});
  };
  if (row.name == "relayd-authd")
    return add(words<RelayToAuthd>(), [](RelayId id) {
      return ipc::encode(RelaydToAuthd{OpenCredentials{id, 1}});
    });
  if (!is_listener(row.asker) || row.asker == Role::relayd) return;
  const Service service = service_of(row.asker).value();
  if (row.server == Role::authd)
    add(words<ConnectionToAuthd>(), [=](ConnectionId id) { return opened<ListenerToAuthd>(service, id); });
  if (row.server == Role::policyd && is_smtp(service))
    add(words<ConnectionToPolicyd>(),
        [=](ConnectionId id) { return opened<ListenerToPolicyd>(service, id); });
  if (row.server == Role::queued)
    add(words<ConnectionToQueued>(), [=](ConnectionId id) { return opened<ListenerToQueued>(service, id); });
  if (row.server == Role::keyd)
    add(words<ConnectionToKeyd>(),
        [](ConnectionId id) { return ipc::encode(ListenerToKeyd{OpenSigner{id}}); });
}

}  // namespace

std::vector<Speech> speeches_to(Role role) {
  std::vector<Speech> speeches;
  for (const ChannelRow& row : kChannels) {
    const std::string name{row.name};
    if (row.server == role) {
      speeches.push_back({name, role, of_row(row).to_server, name});
      add_connections(row, speeches);
    }
    if (row.asker == role) speeches.push_back({name, role, of_row(row).to_asker, name});
  }
  return speeches;
}

}  // namespace mailroom::test
