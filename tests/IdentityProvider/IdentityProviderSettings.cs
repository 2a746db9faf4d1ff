namespace ControlPlane.IdentityProvider;

/// <summary>How a <see cref="TestIdentityProvider"/> is started.</summary>
public sealed record IdentityProviderSettings
{
    /// <summary>The port of the loopback; a free one by default.</summary>
    public int? Port { get; init; }

    /// <summary>Where consoles listen whose people sign in here, such as <c>http://127.0.0.1:8780</c>.</summary>
    public IReadOnlyList<Uri> Consoles { get; init; } = [];

    /// <summary>How long access tokens live; 10 minutes by default.</summary>
    public TimeSpan AccessTokenLifetime { get; init; } = TimeSpan.FromMinutes(10);
}

/// <summary>Somebody whom the provider knows. The password is the name, the one-time code is <see cref="OneTimeCode"/>.</summary>
/// <param name="Name">The user's name, and the subject of the tokens.</param>
/// <param name="Groups">What the claim <c>groups</c> holds.</param>
public sealed record TestUser(string Name, params IReadOnlyList<string> Groups)
{
    /// <summary>The second factor of everybody.</summary>
    public const string OneTimeCode = "000000";

    /// <summary>All that there are.</summary>
    public static readonly IReadOnlyList<TestUser> All =
        [new("viewer", "viewers"), new("operator", "viewers", "operators"), new("approver", "viewers", "approvers")];

    /// <summary>The user with that name and password; null when there is none.</summary>
    public static TestUser? Find(string? name, string? password) =>
        password == name ? All.FirstOrDefault(user => user.Name == name) : null;
}

/// <summary>The clients that the provider knows.</summary>
public static class TestClients
{
    /// <summary>The scope whose tokens are for the control plane, and their audience.</summary>
    public const string Audience = "controlplane";

    /// <summary>The console: a confidential client, code flow with PKCE.</summary>
    public const string Console = "controlplane-console";

    /// <summary>The command line: a public client, device grant, or code flow with PKCE to a port of the loopback.</summary>
    public const string CommandLine = "controlplane-cli";

    /// <summary>A program: client credentials.</summary>
    public const string Robot = "robot";

    /// <summary>The secret of the confidential clients.</summary>
    public const string Secret = "not-secret-the-tests-know-it";

    /// <summary>Where consoles are sent back to after sign-in, and after sign-out.</summary>
    public const string SignedInPath = "/access/signed-in";
    public const string SignedOutPath = "/access/signed-out";
}
