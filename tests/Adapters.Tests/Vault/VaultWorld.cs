using ControlPlane.Adapters.Vault;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Vault;

/// <summary>One fake Vault, the secret files to log in to it, and the issuers opened on it.</summary>
public sealed class VaultWorld : IAsyncDisposable
{
    private readonly List<IDisposable> opened = [];

    private VaultWorld(FakeVault vault)
    {
        Vault = vault;
    }

    public FakeVault Vault { get; }

    public string Folder { get; } = Directory.CreateTempSubdirectory("controlplane-vault-").FullName;

    public static async Task<VaultWorld> StartAsync(FakeVaultSettings? settings = null)
    {
        var world = new VaultWorld(await FakeVault.StartAsync(settings));
        world.Write("role-id", FakeVaultTokens.RoleId);
        world.Write("secret-id", FakeVaultTokens.SecretId);
        world.Write("jwt", FakeVaultTokens.Jwt);
        return world;
    }

    /// <summary>Options that log in by AppRole and sign by the role <c>node</c>.</summary>
    public VaultOptions Options() => new()
    {
        Url = Vault.Url,
        Role = "node",
        Login = new VaultLoginOptions { RoleIdFile = Path.Combine(Folder, "role-id"), SecretIdFile = Path.Combine(Folder, "secret-id") },
    };

    public string Write(string name, string secret)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllText(path, secret + "\n");
        return path;
    }

    internal VaultIssuer Open(VaultOptions options, TimeProvider? time = null)
    {
        var issuer = new VaultIssuer("tested", options, time ?? TimeProvider.System, new Random(1));
        opened.Add(issuer);
        return issuer;
    }

    public async ValueTask DisposeAsync()
    {
        opened.ForEach(one => one.Dispose());
        await Vault.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
