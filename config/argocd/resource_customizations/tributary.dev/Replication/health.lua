-- Conditions follow kstatus: Reconciling and Stalled are there only while they are true, Ready always, and
-- status.observedGeneration is the generation that all of them are about.
local hs = {}

local function condition(type)
  if obj.status == nil or obj.status.conditions == nil then
    return nil
  end
  for _, candidate in ipairs(obj.status.conditions) do
    if candidate.type == type then
      return candidate
    end
  end
  return nil
end

local function says(found, status)
  return found ~= nil and found.status == status
end

local function is(status, found)
  hs.status = status
  hs.message = found.message
  return hs
end

local ready = condition("Ready")

if obj.metadata.deletionTimestamp ~= nil then
  hs.status = "Progressing"
  hs.message = "Being deleted"
  if ready ~= nil and obj.status.phase == "Deleting" then
    hs.message = "Being deleted: " .. ready.message
  end
  return hs
end

if ready == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  hs.status = "Progressing"
  hs.message = "Waiting for the operator to look at it"
  return hs
end

if ready.reason == "Paused" or ready.reason == "Stopped" then
  return is("Suspended", ready)
end

local stalled = condition("Stalled")
if says(stalled, "True") then
  return is("Degraded", stalled)
end

-- A mismatch that is only to be reported leaves Ready, and with it the health, as it is.
local verify = obj.spec.verify
local reports = verify ~= nil and verify.onMismatch == "Report"
local verified = condition("Verified")
if says(verified, "False") and not reports then
  return is("Degraded", verified)
end

if not says(condition("Reconciling"), "True") and ready.status == "True" then
  return is("Healthy", ready)
end

return is("Progressing", ready)
