#include "config/argocd/lua.h"

#include <lua.hpp>
#include <memory>

namespace tributary::argocd {
namespace {

using nlohmann::json;

struct Close {
  void operator()(lua_State* state) const { lua_close(state); }
};
using State = std::unique_ptr<lua_State, Close>;

void open_library(lua_State* state, const char* name, lua_CFunction open) {
  lua_pushcfunction(state, open);
  lua_pushstring(state, name);
  lua_call(state, 1, 0);
}

void keep_only(lua_State* state, const char* library, std::initializer_list<const char*> kept) {
  lua_getglobal(state, library);
  lua_newtable(state);
  for (const char* name : kept) {
    lua_getfield(state, -2, name);
    lua_setfield(state, -2, name);
  }
  lua_setglobal(state, library);
  lua_pop(state, 1);
}

State open_sandbox() {
  State state(luaL_newstate());
  open_library(state.get(), LUA_LOADLIBNAME, luaopen_package);
  open_library(state.get(), "", luaopen_base);
  open_library(state.get(), LUA_TABLIBNAME, luaopen_table);
  open_library(state.get(), LUA_OSLIBNAME, luaopen_os);
  keep_only(state.get(), LUA_OSLIBNAME, {"date", "time"});
  return state;
}

void push(lua_State* state, const json& value) {
  switch (value.type()) {
    case json::value_t::boolean:
      return lua_pushboolean(state, value.get<bool>() ? 1 : 0);
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
      return lua_pushnumber(state, value.get<double>());
    case json::value_t::string:
      lua_pushstring(state, value.get<std::string>().c_str());
      return;
    case json::value_t::array:
      lua_newtable(state);
      for (std::size_t i = 0; i < value.size(); ++i) {
        push(state, value[i]);
        lua_rawseti(state, -2, static_cast<int>(i) + 1);
      }
      return;
    case json::value_t::object:
      lua_newtable(state);
      for (const auto& [key, member] : value.items()) {
        push(state, member);
        lua_setfield(state, -2, key.c_str());
      }
      return;
    case json::value_t::null:
    case json::value_t::binary:
    case json::value_t::discarded:
      return lua_pushnil(state);
  }
}

json value_at(lua_State* state, int index);

json number_at(lua_State* state, int index) {
  const double number = lua_tonumber(state, index);
  const auto whole = static_cast<std::int64_t>(number);
  return static_cast<double>(whole) == number ? json(whole) : json(number);
}

// A table with a first element is a list.
json table_at(lua_State* state, int index) {
  json out = lua_objlen(state, index) > 0 ? json::array() : json::object();
  lua_pushnil(state);
  while (lua_next(state, index) != 0) {
    json member = value_at(state, lua_gettop(state));
    if (out.is_array()) {
      out.push_back(std::move(member));
    } else {
      lua_pushvalue(state, -2);
      out[lua_tostring(state, -1)] = std::move(member);
      lua_pop(state, 1);
    }
    lua_pop(state, 1);
  }
  return out;
}

json value_at(lua_State* state, int index) {
  switch (lua_type(state, index)) {
    case LUA_TBOOLEAN:
      return lua_toboolean(state, index) != 0;
    case LUA_TNUMBER:
      return number_at(state, index);
    case LUA_TSTRING:
      return lua_tostring(state, index);
    case LUA_TTABLE:
      return table_at(state, index);
    default:
      return nullptr;
  }
}

}  // namespace

Result<json> run(const std::string& script, const json& object) {
  const State state = open_sandbox();
  push(state.get(), object);
  lua_setglobal(state.get(), "obj");
  if (luaL_loadstring(state.get(), script.c_str()) != 0 || lua_pcall(state.get(), 0, 1, 0) != 0) {
    return Error{Fault::failed, lua_tostring(state.get(), -1)};
  }
  return value_at(state.get(), lua_gettop(state.get()));
}

}  // namespace tributary::argocd
