// A message of each kind that a channel knows, with something in every field: what tests of decoders begin
// with.
#pragma once

#include <string>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include "libcommon/ipc/codec.h"

namespace mailroom::test {

template <typename T>
T example() {
  T value{};
  if constexpr (ipc::detail::IsVector<T>::value) {
    value.push_back(example<typename T::value_type>());
  } else if constexpr (ipc::detail::IsOptional<T>::value) {
    value = example<typename T::value_type>();
  } else if constexpr (ipc::detail::IsArray<T>::value) {
    value.fill(example<typename T::value_type>());
  } else if constexpr (ipc::detail::IsVariant<T>::value) {
    value = example<std::variant_alternative_t<0, T>>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    value = "a@example.org";
  } else if constexpr (ipc::Struct<T>) {
    std::apply([](auto&... member) { ((member = example<std::remove_cvref_t<decltype(member)>>()), ...); },
               T::fields(value));
  } else {
    value = T{1};
  }
  return value;
}

// Encoded, one for each alternative.
template <typename Variant>
std::vector<std::string> encoded_examples() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::vector{
        ipc::encode(Variant{std::in_place_index<I>, example<std::variant_alternative_t<I, Variant>>()})...};
  }
  (std::make_index_sequence<std::variant_size_v<Variant>>{});
}

}  // namespace mailroom::test
