local actions = {}

local state = obj.spec.state or "Running"
local deleting = obj.metadata.deletionTimestamp ~= nil

local function copied()
  if obj.spec.mode == "Sync" then
    return true
  end
  if obj.status == nil or obj.status.conditions == nil then
    return false
  end
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == "SnapshotComplete" then
      return condition.status == "True"
    end
  end
  return false
end

actions["pause"] = {
  ["disabled"] = deleting or state ~= "Running",
  ["iconClass"] = "fa fa-fw fa-pause",
  ["displayName"] = "Pause"
}
-- What was stopped has no slot any more: going on takes another spec.snapshot.requestID.
actions["resume"] = {
  ["disabled"] = deleting or state ~= "Paused",
  ["iconClass"] = "fa fa-fw fa-play",
  ["displayName"] = "Resume"
}
actions["verify"] = {
  ["disabled"] = deleting or state ~= "Running" or obj.spec.mode == "Validate" or not copied(),
  ["iconClass"] = "fa fa-fw fa-check-double",
  ["displayName"] = "Compare both ends"
}

return actions
