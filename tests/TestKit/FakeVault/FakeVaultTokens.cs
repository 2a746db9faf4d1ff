using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace ControlPlane.TestKit;

/// <summary>The fake's login methods and tokens.</summary>
public sealed class FakeVaultTokens
{
    public const string RoleId = "role-5f1c7a";
    public const string SecretId = "secret-planted-9d83e2";
    public const string Jwt = "jwt-planted-77a1c0";
    public const string CertificateRole = "silos";
    public const string KubernetesRole = "controlplane";

    private readonly ConcurrentDictionary<string, DateTimeOffset> _ends = new(StringComparer.Ordinal);
    private int _logins;
    private int _renewals;

    /// <summary>How long a token is given for. 20 minutes by default.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromMinutes(20);

    /// <summary>Whether tokens can be renewed; batch tokens cannot.</summary>
    public bool Renewable { get; set; } = true;

    /// <summary>What a renewal gives, as when a token nears its greatest age; <see cref="Lifetime"/> by default.</summary>
    public TimeSpan? RenewedLifetime { get; set; }

    /// <summary>The clock of tokens.</summary>
    public TimeProvider Time { get; set; } = TimeProvider.System;

    public int Logins => _logins;

    public int Renewals => _renewals;

    /// <summary>A token without a login, as an operator makes one.</summary>
    public string Create() => Give(Lifetime);

    /// <summary>Ends all tokens, as an operator's revocation does.</summary>
    public void RevokeAll() => _ends.Clear();

    public bool Holds(string? token) => token is not null && _ends.TryGetValue(token, out var end) && Time.GetUtcNow() < end;

    /// <summary>Answers <c>auth/{method}/login</c>: the <c>auth</c> object, or null with the error.</summary>
    public (JsonObject? Auth, string Error) LogIn(string method, JsonObject body, bool hasCertificate)
    {
        string? Field(string name) => (string?)body[name];
        var error = method switch
        {
            "approle" when Field("role_id") != RoleId || Field("secret_id") != SecretId => "invalid role or secret ID",
            "cert" when !hasCertificate => "client certificate must be supplied",
            "cert" when Field("name") != CertificateRole => "invalid certificate or no client certificate supplied",
            "kubernetes" when Field("role") != KubernetesRole || Field("jwt") != Jwt => "permission denied",
            "approle" or "cert" or "kubernetes" => "",
            _ => "unsupported path",
        };
        if (error.Length > 0)
        {
            return (null, error);
        }

        Interlocked.Increment(ref _logins);
        return (AuthOf(Give(Lifetime), Lifetime), "");
    }

    /// <summary>Answers <c>auth/token/renew-self</c>.</summary>
    public JsonObject? Renew(string token)
    {
        if (!Renewable || !Holds(token))
        {
            return null;
        }

        Interlocked.Increment(ref _renewals);
        var lifetime = RenewedLifetime ?? Lifetime;
        _ends[token] = Time.GetUtcNow() + lifetime;
        return AuthOf(token, lifetime);
    }

    /// <summary>Answers <c>auth/token/lookup-self</c>.</summary>
    public JsonObject LookUp(string token) => new()
    {
        ["id"] = token,
        ["ttl"] = (long)(_ends[token] - Time.GetUtcNow()).TotalSeconds,
        ["renewable"] = Renewable,
        ["type"] = "service",
    };

    private string Give(TimeSpan lifetime)
    {
        var token = $"hvs.fake{RandomNumberGenerator.GetHexString(24, lowercase: true)}";
        _ends[token] = Time.GetUtcNow() + lifetime;
        return token;
    }

    private JsonObject AuthOf(string token, TimeSpan lifetime) => new()
    {
        ["client_token"] = token,
        ["accessor"] = "fake",
        ["lease_duration"] = (long)lifetime.TotalSeconds,
        ["renewable"] = Renewable,
        ["token_type"] = Renewable ? "service" : "batch",
    };
}
