// What is counted: what somebody has sent, and reports to devices that could not be delivered.
#include "spool/state/directory.h"
#include "spool/state/rows.h"

namespace mailroom::state {
namespace {

std::string use_key(policy::LimitScope scope, std::string_view name) {
  return std::string(1, static_cast<char>(scope)).append(name);
}

}  // namespace

std::vector<LimitUse> View::limit_uses() const {
  std::vector<LimitUse> found;
  lmdb::Cursor cursor{txn_, tables_.limit_uses};
  for (bool there = cursor.first(); there; there = cursor.next()) {
    auto use = decode_record<LimitUse>(cursor.key(), cursor.value());
    if (!use) throw Damaged("a use of a limit is damaged in the shared state");
    found.push_back(std::move(*use));
  }
  return found;
}

void Update::put_limit_use(const LimitUse& use) {
  put_record(txn_, tables_.limit_uses, use_key(use.scope, use.name), use);
}

void Update::erase_limit_use(policy::LimitScope scope, std::string_view name) {
  txn_.erase(tables_.limit_uses, use_key(scope, name));
}

DeviceReports View::device_reports(std::string_view device) const {
  return get_record<DeviceReports>(txn_, tables_.device_reports, device).value_or(DeviceReports{});
}

std::vector<std::pair<std::string, DeviceReports>> View::all_device_reports() const {
  std::vector<std::pair<std::string, DeviceReports>> found;
  lmdb::Cursor cursor{txn_, tables_.device_reports};
  for (bool there = cursor.first(); there; there = cursor.next()) {
    auto reports = decode_record<DeviceReports>(cursor.key(), cursor.value());
    if (!reports) throw Damaged("refused reports are damaged in the shared state");
    found.emplace_back(cursor.key(), std::move(*reports));
  }
  return found;
}

void Update::put_device_reports(std::string_view device, const DeviceReports& reports) {
  if (reports == DeviceReports{}) {
    txn_.erase(tables_.device_reports, device);
    return;
  }
  put_record(txn_, tables_.device_reports, device, reports);
}

}  // namespace mailroom::state
