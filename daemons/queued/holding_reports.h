// No reports: what cannot be delivered stays in the queue for an operator.
#pragma once

#include "daemons/queued/reports.h"

namespace mailroom::queued {

class HoldingReports final : public Reports {
 public:
  void failed(const ReportedMessage&, Targets, Done done) override { done(ReportResult::impossible); }
  void expired(const ReportedMessage&, Targets, Done done) override { done(ReportResult::impossible); }
  void delayed(const ReportedMessage&, Targets, Done done) override { done(ReportResult::settled); }
  void delivered(const ReportedMessage&, Targets, Done done) override { done(ReportResult::settled); }
  void relayed(const ReportedMessage&, Targets, Done done) override { done(ReportResult::settled); }
};

}  // namespace mailroom::queued
