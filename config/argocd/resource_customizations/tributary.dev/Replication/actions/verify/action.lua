-- Each change of the spec has a generation of its own, so that this is a word which was never asked for.
if obj.spec.verify == nil then
  obj.spec.verify = {}
end
obj.spec.verify.requestID = "argocd-" .. obj.metadata.generation
return obj
