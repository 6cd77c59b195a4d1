// What the parts of mr-queue have in common: the connection to queued, and how things are written.
#pragma once

#include <cstdint>
#include <expected>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "daemons/channels/tools_queued.h"
#include "tools/tool_connection.h"

namespace mailroom {

using Queued = ToolConnection<ToolToQueued, QueuedToTool>;
enum class Format : std::uint8_t { text, json };

// What queued answers to the request, if it is of that kind.
template <typename T>
std::expected<T, std::string> ask(Queued& queued, const ToolToQueued& request) {
  return expect_answer<T>(queued.ask(request));
}

// "2026-11-22T05:00:00Z"; "-" for 0.
std::string moment_text(std::uint64_t microseconds);

// Bytes that are no UTF-8 are replaced, not refused.
std::string dumped(const nlohmann::ordered_json& json);

}  // namespace mailroom
