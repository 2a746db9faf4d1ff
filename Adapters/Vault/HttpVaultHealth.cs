using System.Text.Json;

namespace ControlPlane.Adapters.Vault;

/// <summary><c>GET sys/health</c>, whose status codes mean other things than those of every other path.</summary>
internal sealed class HttpVaultHealth(VaultHttp http) : IVaultHealth
{
    public async Task<VaultStatus> ReadAsync(CancellationToken cancellationToken)
    {
        var answer = await http.AskAsync(HttpMethod.Get, "sys/health?perfstandbyok=true", body: null, token: null, cancellationToken);
        var (usable, detail) = (int)answer.Status switch
        {
            200 => (true, "active"),

            // Not a quota, as 429 is elsewhere: an unsealed standby, which forwards to the active node.
            429 => (true, "a standby that forwards"),
            473 => (true, "a performance standby"),
            472 => (false, "a disaster recovery secondary"),
            501 => (false, "not initialised"),
            503 => (false, "sealed"),
            var other => (false, $"answered {other}"),
        };
        return new VaultStatus(usable, detail, ServerTime(answer.Body));
    }

    private static DateTimeOffset? ServerTime(JsonElement body) =>
        body.ValueKind == JsonValueKind.Object
        && body.TryGetProperty("server_time_utc", out var seconds)
        && seconds.TryGetInt64(out var unix)
            ? DateTimeOffset.FromUnixTimeSeconds(unix)
            : null;
}
