#include "daemons/policyd/suspension_desk.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "daemons/log.h"
#include "daemons/policyd/own_mail.h"
#include "daemons/state_failure.h"
#include "libcommon/policy/report_refusal.h"
#include "libcommon/protocol/rfc5322/date_time.h"
#include "spool/queue/envelope.h"

namespace mailroom::policyd {
namespace {

using policy::DeviceState;
using policy::RefusalMeaning;
using policy::Registration;

// At the start, until queued is there.
constexpr std::chrono::seconds kFirstNotice{5};

std::string words_of(const Reply& reply) {
  return queue::answer_text({.code = reply.code, .enhanced = reply.enhanced, .text = reply.text});
}

std::string why(const ReportRefused& refusal) {
  return fmt::format("a report to {} was refused: {}", refusal.address, words_of(refusal.reply));
}

RefusalMeaning meaning_of(const ReportRefused& refusal) {
  return policy::meaning_of(refusal.at, refusal.reply.code, refusal.reply.enhanced);
}

std::uint64_t window_of(const Config& config) {
  return static_cast<std::uint64_t>(config.policyd.device_report_window.milliseconds / 1000);
}

}  // namespace

SuspensionDesk::SuspensionDesk(event::Loop& loop, state::Directory& directory, const Config& config,
                               DeviceDesk& devices, SiteNow site, Send send, SystemClock system_clock)
    : directory_{directory}, config_{config}, devices_{devices}, site_{std::move(site)}, send_{std::move(
                                                                                             send)},
      system_clock_{std::move(system_clock)}, retry_{loop, [this] { tell_contacts(); }} {
  retry_.start(kFirstNotice);
}

// ---- counting

// An address that the device does not have any more, since somebody has put it right, is nobody's fault.
bool SuspensionDesk::concerns(const Registration& device, const std::string& address) const {
  const auto parsed = policy::parse_address(address);
  return device.state == DeviceState::active && parsed &&
         std::ranges::any_of(device.from,
                             [&](const std::string& pattern) { return site_().matches(*parsed, pattern); });
}

bool SuspensionDesk::refused(const ReportRefused& refusal) try {
  if (config_.policyd.device_suspension == DeviceSuspension::off) return true;
  auto update = directory_.update();
  const auto device = update.device(refusal.device);
  if (!device || !concerns(*device, refusal.address)) return true;
  Decision decision;
  if (meaning_of(refusal) == RefusalMeaning::address_is_bad) {
    decision = decide(update, *device, refusal);
    update.commit();
  }
  follow(*device, refusal, decision);
  return true;
} catch (const std::exception& error) {
  on_state_failure(error);
  return false;
}

SuspensionDesk::Decision SuspensionDesk::decide(state::Update& update, const Registration& device,
                                                const ReportRefused& refusal) {
  const std::uint64_t now = system_clock_(), window = window_of(config_);
  state::DeviceReports record = update.device_reports(device.name);
  if (policy::note_refused_report(record.refused, refusal.queue_id, now, window) ==
      policy::NotedReport::again)
    return {Outcome::known, 0, {}};
  Decision decision{Outcome::noted, policy::counting(record.refused, now, window), why(refusal)};
  if (decision.reports >= config_.policyd.device_refused_reports) {
    policy::spend(record.refused);
    decision.outcome = Outcome::would_suspend;
    if (config_.policyd.device_suspension == DeviceSuspension::on) {
      decision.outcome = Outcome::suspended;
      record.why = decision.why;
      record.untold = device.contacts;
      devices_.suspend(update, device, decision.why);
    }
  }
  update.put_device_reports(device.name, record);
  return decision;
}

void SuspensionDesk::follow(const Registration& device, const ReportRefused& refusal,
                            const Decision& decision) {
  if (decision.outcome == Outcome::known) return;
  log::write("device-report-refused", {{"device", device.name},
                                       {"address", refusal.address},
                                       {"reply", words_of(refusal.reply)},
                                       {"meaning", policy::meaning_word(meaning_of(refusal))},
                                       {"reports", decision.reports}});
  if (decision.outcome == Outcome::would_suspend)
    log::write("device-would-be-suspended", {{"device", device.name}, {"reason", decision.why}});
  if (decision.outcome != Outcome::suspended) return;
  devices_.suspended(device.name, decision.why);
  tell_contacts();
}

// ---- telling

void SuspensionDesk::tell_contacts() try {
  const auto all = directory_.view().all_device_reports();
  for (const auto& [name, reports] : all) {
    if (reports.untold.empty()) continue;
    retry_.start(kNoticeRetry);
    const auto device = directory_.view().device(name);
    if (device && device->state == DeviceState::suspended)
      tell(*device, reports);
    else
      forget(name, [](const std::string&) { return true; });  // somebody was faster
  }
} catch (const std::exception& error) {
  on_state_failure(error);
}

void SuspensionDesk::tell(const Registration& device, const state::DeviceReports& reports) {
  for (const std::string& contact : reports.untold) {
    const Notice notice{device.name, contact};
    if (!sending_.insert(notice).second) continue;
    send_(contact, policy::suspension_notice(notice_to(device, contact, reports.why)),
          [this, notice](Sent sent) { told(notice, sent); });
  }
}

policy::SuspensionNotice SuspensionDesk::notice_to(const Registration& device, const std::string& contact,
                                                   const std::string& why) const {
  const std::uint64_t now = system_clock_();
  return {.device = device.name,
          .purpose = device.purpose,
          .why = why,
          .from = own_address(config_),
          .to = contact,
          .help = config_.policyd.help_desk,
          .date = rfc5322::format_date_time(rfc5322::to_date_time(static_cast<std::int64_t>(now))),
          .id = fmt::format("suspended.{}.{}@{}", device.name, now, config_.hostname)};
}

void SuspensionDesk::told(const Notice& notice, Sent sent) try {
  sending_.erase(notice);
  const auto& [device, contact] = notice;
  log::write("device-contact-told",
             {{"device", device}, {"recipient", contact}, {"sent", sent == Sent::yes ? "yes" : "no"}});
  if (sent != Sent::not_now) forget(device, [&](const std::string& each) { return each == contact; });
} catch (const std::exception& error) {
  on_state_failure(error);
}

void SuspensionDesk::forget(const std::string& device,
                            const std::function<bool(const std::string&)>& contact) {
  auto update = directory_.update();
  state::DeviceReports record = update.device_reports(device);
  std::erase_if(record.untold, contact);
  if (record.untold.empty()) record.why.clear();
  update.put_device_reports(device, record);
  update.commit();
}

}  // namespace mailroom::policyd
