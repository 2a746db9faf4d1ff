using ControlPlane.Access;
using ControlPlane.Access.Policies;
using ControlPlane.Api;
using ControlPlane.Configuration;
using ControlPlane.Hosting;
using ControlPlane.Nodes;
using ControlPlane.TestKit.Ports;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>Ports that the silo itself implements; those of the adapters are tested with the adapters.</summary>
public sealed class SiloPortTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-ports-").FullName;
    private readonly PortProbe probe = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        probe.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void EveryPortOfTheSilo_IsHere() => Assert.Equal(
        [
            (typeof(IAuditJournal), typeof(FileAuditJournal)),
            (typeof(IBreakGlass), typeof(BreakGlassFile)),
            (typeof(ICallLimits), typeof(CallLimits)),
            (typeof(IIdentityTokens), typeof(OidcIdentityTokens)),
            (typeof(ILayerFiles), typeof(LayerFolder)),
            (typeof(IPolicySource), typeof(AccessPolicyFile)),
            (typeof(ISiteSigner), typeof(SiteKeySigner)),
            (typeof(ITokenAuthenticator), typeof(GatewayTokens)),
        ],
        PortList.Implementations([typeof(LayerFolder).Assembly]).Where(one => one.Implementation.Assembly == typeof(LayerFolder).Assembly)
            .OrderBy(one => one.Port.Name, StringComparer.Ordinal));

    /// <summary>Files that are not there, folders, or no paths at all let nobody in, and stop nothing.</summary>
    [Theory]
    [InlineData("missing")]
    [InlineData("")]
    [InlineData("nul\0")]
    public async Task AccessFiles_ThrowNothing_WhenTheyCannotBeRead(string name)
    {
        var path = Path.Combine(folder, name);
        var policy = new AccessPolicyFile(
            Options.Create(new AccessPolicyOptions { File = path }), new Locality("eu", "eu-1"), TimeProvider.System,
            NullLogger<AccessPolicyFile>.Instance);
        var files = new AccessTokens(
            Options.Create(new TokensOptions { Files = [path] }), TimeProvider.System, NullLogger<AccessTokens>.Instance);
        using var rings = Access.Rings.Of(new OidcOptions());
        var tokens = new GatewayTokens(files, Access.Rings.TokensOf(rings));

        Assert.Empty(await probe.FindFaultsAsync(new FailingPort(typeof(IPolicySource), policy), Cancel));
        Assert.Empty(await probe.FindFaultsAsync(new FailingPort(typeof(ITokenAuthenticator), tokens), Cancel));
        Assert.Null(policy.Current);
        Assert.NotEmpty(policy.Faults);
    }

    /// <summary>What is there is a folder where a file should be, a file where a folder should be, too much, or no path at all.</summary>
    [Theory]
    [InlineData("missing", "missing")]
    [InlineData("large.yaml", ".")]
    [InlineData("", "large.yaml")]
    [InlineData(".", "large.yaml")]
    [InlineData("nul\0", "nul\0")]
    public async Task LayerFiles_ThrowWhatTheyDeclare_WhenTheyCannotBeRead(string layers, string secret)
    {
        Directory.CreateDirectory(Path.Combine(folder, "folder.yaml"));
        await File.WriteAllBytesAsync(Path.Combine(folder, "large.yaml"), new byte[2 * 1024 * 1024], Cancel);

        var faults = await probe.FindFaultsAsync(
            new FailingPort(typeof(ILayerFiles), new LayerFolder(), typeof(IOException))
            {
                ThrowsAny = true,
                Texts = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["folder"] = Path.Combine(folder, layers), ["path"] = Path.Combine(folder, secret),
                },
            },
            Cancel);

        Assert.True(faults.Count == 0, string.Join("\n\n", faults));
    }
}
