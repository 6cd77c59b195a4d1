#include "libcommon/protocol/dsn/notify.h"

#include "libcommon/protocol/smtp/command.h"

namespace mailroom::dsn {

const char* action_name(Action action) {
  constexpr const char* kNames[] = {"failed", "delayed", "delivered", "relayed", "expanded"};
  return kNames[static_cast<unsigned>(action)];
}

bool is_wanted(std::uint8_t notify, Action action) {
  if (notify == 0) notify = smtp::kNotifyFailure | smtp::kNotifyDelay;
  if ((notify & smtp::kNotifyNever) != 0) return false;
  switch (action) {
  case Action::failed:
    return (notify & smtp::kNotifyFailure) != 0;
  case Action::delayed:
    return (notify & smtp::kNotifyDelay) != 0;
  case Action::delivered:
  case Action::relayed:
  case Action::expanded:
    return (notify & smtp::kNotifySuccess) != 0;
  }
  return false;
}

bool is_relay_wanted(std::uint8_t notify, NextHop next_hop) {
  return next_hop == NextHop::takes_no_dsn && is_wanted(notify, Action::relayed);
}

}  // namespace mailroom::dsn
