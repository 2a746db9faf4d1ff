using ControlPlane.Adapters.Tests.Certificates;
using ControlPlane.Adapters.Vault;
using ControlPlane.Certificates;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Vault;

public sealed class VaultRsaTests() : VaultContract(new FakeVaultSettings { Key = TestKeyKind.Rsa2048 });

public sealed class VaultNamespaceTests() : VaultContract(new FakeVaultSettings { Namespace = "fleet/eu" })
{
    protected override void Configure(VaultOptions options) => options.Namespace = "fleet/eu/";
}

public sealed class VaultStoredTests() : VaultContract(new FakeVaultSettings())
{
    protected override void Configure(VaultOptions options)
    {
        options.Role = "stored";
        options.Stored = true;
    }
}

public sealed class VaultRolePerKeyTests() : VaultContract(new FakeVaultSettings())
{
    protected override void Configure(VaultOptions options)
    {
        options.Role = "rsa";
        options.EllipticRole = "ec";
    }
}

/// <summary>The issuer contract against the fake Vault.</summary>
public abstract class VaultContract(FakeVaultSettings settings) : RemoteCertificateIssuerContract, IAsyncDisposable
{
    private readonly List<VaultWorld> worlds = [];

    protected virtual void Configure(VaultOptions options)
    {
    }

    protected override async Task<ICertificateIssuer> StartAsync()
    {
        var world = await WorldAsync();
        var options = world.Options();
        Configure(options);
        return world.Open(options);
    }

    protected override async Task<ICertificateIssuer> StartFaultyAsync(CaFault fault)
    {
        var world = await WorldAsync();
        var options = world.Options();
        Configure(options);
        switch (fault)
        {
            case CaFault.Refuses:
                (options.Role, options.EllipticRole) = ("elsewhere", null);
                break;
            case CaFault.DeniesAccess:
                (options.Role, options.EllipticRole) = ("forbidden", null);
                break;
            case CaFault.IsAway:
                options.Url = new Uri($"http://127.0.0.1:{LoopbackPort.Free()}");
                break;
            default:
                world.Vault.Trick = TrickFor(fault);
                break;
        }

        var issuer = world.Open(options);
        if (fault is CaFault.IsSilent)
        {
            // Short only now: the login must pass on a machine that is busy with other tests.
            Assert.True((await issuer.CheckAsync(Cancel)).Healthy);
            options.Timeout = TimeSpan.FromSeconds(1);
        }

        return issuer;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var world in worlds)
        {
            await world.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    private async Task<VaultWorld> WorldAsync()
    {
        worlds.Add(await VaultWorld.StartAsync(settings));
        return worlds[^1];
    }

    private static VaultTrick TrickFor(CaFault fault) => fault switch
    {
        CaFault.Throttles => VaultTrick.ThrottlesWithoutTime,
        CaFault.IsSilent => VaultTrick.Silent,
        CaFault.LosesTheAnswer => VaultTrick.LosesTheAnswer,
        CaFault.AnswersGarbage => VaultTrick.Garbage,
        CaFault.SignsAnotherKey => VaultTrick.OtherKey,
        CaFault.OmitsTheName => VaultTrick.NoNames,
        CaFault.SignsAnAuthority => VaultTrick.Authority,
        CaFault.SignsThePast => VaultTrick.Past,
        _ => throw new ArgumentOutOfRangeException(nameof(fault)),
    };
}
