-- wrk -s post.lua URL FILE: posts FILE, without a Content-Type, as tritonclient does.
function init(args)
  local file = assert(io.open(args[1], "rb"))
  wrk.method = "POST"
  wrk.body = file:read("*a")
  file:close()
end
