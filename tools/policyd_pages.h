// What policyd lists in pages, row by row: for mr-access, mr-device and mr-metrics.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "daemons/channels/tools_policyd.h"
#include "tools/tool_connection.h"

namespace mailroom {

using PolicydConnection = ToolConnection<ToolToPolicyd, PolicydToTool>;

// Asks for page after page and visits their rows; `place_of` a row is what the next page begins after.
template <typename Page, typename Request, typename Row, typename PlaceOf, typename Visit>
std::expected<void, std::string> visit_pages(PolicydConnection& policyd, Request request,
                                             std::vector<Row> Page::*rows, PlaceOf place_of, Visit visit) {
  for (;;) {
    const auto page = expect_answer<Page>(policyd.ask(request));
    if (!page) return std::unexpected(page.error());
    for (const Row& row : (*page).*rows) visit(row);
    if (page->last || ((*page).*rows).empty()) return {};
    request.after = place_of(((*page).*rows).back());
  }
}

// `visit` takes a policy::Registration.
template <typename Visit>
std::expected<void, std::string> visit_devices(PolicydConnection& policyd, Visit visit) {
  return visit_pages(
      policyd, ListDevices{}, &DevicePage::devices,
      [](const policy::Registration& device) { return device.name; }, visit);
}

// `visit` takes a GrantRow.
template <typename Visit>
std::expected<void, std::string> visit_grants(PolicydConnection& policyd, Visit visit) {
  return visit_pages(
      policyd, ListGrants{}, &GrantPage::grants, [](const GrantRow& row) { return row.place; }, visit);
}

// `visit` takes a UseRow: a window that runs.
template <typename Visit>
std::expected<void, std::string> visit_limits(PolicydConnection& policyd, Visit visit) {
  return visit_pages(
      policyd, ListLimits{}, &LimitPage::uses, [](const UseRow& row) { return row.place; }, visit);
}

}  // namespace mailroom
