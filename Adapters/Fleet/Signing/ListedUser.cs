using System.Text.Json.Serialization;
using ControlPlane.Adapters.Choria;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>One user of a list of Choria's AAA service.</summary>
/// <param name="Username">The name, which is also the end of the caller's: <c>up=alice</c>.</param>
/// <param name="Password">A bcrypt hash.</param>
internal sealed record ListedUser(string Username, string Password)
{
    public string? Organization { get; init; }

    /// <summary>What they may call: <c>*</c>, <c>agent.*</c>, <c>agent.action</c>.</summary>
    public IReadOnlyList<string>? Acls { get; init; }

    /// <summary>A Rego policy in place of <see cref="Acls"/>.</summary>
    public string? OpaPolicy { get; init; }

    public string? OpaPolicyFile { get; init; }

    public IReadOnlyDictionary<string, string>? Properties { get; init; }

    public ClientPermissions? BrokerPermissions { get; init; }

    /// <summary>What the callers begin with that the AAA service makes of users.</summary>
    public const string CallerPrefix = "up=";

    [JsonIgnore]
    public string CallerId => CallerPrefix + Username;

    // Records print their members; this one's hash would end up in a log.
    public override string ToString() => Username;
}

/// <summary>The configuration of the AAA service, as far as it names users.</summary>
internal sealed record AaaConfiguration
{
    public AaaUserList? UserlistAuthenticator { get; init; }
}

internal sealed record AaaUserList
{
    public IReadOnlyList<ListedUser>? Users { get; init; }

    public string? UsersFile { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    PropertyNameCaseInsensitive = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(IReadOnlyList<ListedUser>))]
[JsonSerializable(typeof(AaaConfiguration))]
internal sealed partial class UserListJson : JsonSerializerContext;
