#include "spool/state/record.h"

#include "libcommon/tls/digest.h"

namespace mailroom::state {
namespace {

std::string check_of(std::string_view key, std::string_view body) {
  std::string checked;
  ipc::Encoder encoder{checked};
  encoder.put(key);
  encoder.put(body);
  const Sha256Digest digest = sha256(checked);
  return {reinterpret_cast<const char*>(digest.data()), kCheckSize};
}

}  // namespace

std::string seal_record(std::string_view key, std::string_view payload) {
  std::string record(1, static_cast<char>(kRecordVersion));
  record.append(payload);
  return record += check_of(key, record);
}

std::optional<std::string_view> open_record(std::string_view key, std::string_view record) {
  if (record.size() < 1 + kCheckSize || record.front() != static_cast<char>(kRecordVersion))
    return std::nullopt;
  const std::string_view body = record.substr(0, record.size() - kCheckSize);
  if (check_of(key, body) != record.substr(body.size())) return std::nullopt;
  return body.substr(1);
}

}  // namespace mailroom::state
