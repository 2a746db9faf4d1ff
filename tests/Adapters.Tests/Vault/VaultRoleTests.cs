using System.Text.Json;
using ControlPlane.Adapters.Vault;
using ControlPlane.Certificates;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Vault;

public sealed class VaultRoleTests
{
    private static readonly CertificateProfile Profile = new() { Lifetime = TimeSpan.FromDays(7) };

    [Fact]
    public void FaultsFor_FindsNone_WhenTheRoleFits()
    {
        Assert.Empty(Faults(new FakeVaultRole(), Profile));
        Assert.Empty(Faults(new FakeVaultRole { NoStore = false }, Profile, stored: true));
    }

    [Fact]
    public void FaultsFor_NamesTheField_OfEachDifference()
    {
        var cases = new (FakeVaultRole Role, CertificateProfile Profile, string Field)[]
        {
            (new FakeVaultRole { MaxTtl = TimeSpan.FromDays(1) }, Profile, "Lifetime"),
            (new FakeVaultRole { ServerFlag = false }, Profile, "server_flag"),
            (new FakeVaultRole(), Profile with { ServerAuthentication = false }, "server_flag"),
            (new FakeVaultRole { UseCsrSans = true }, Profile with { DnsNames = ["{host}.example.org"] }, "use_csr_sans"),
            (new FakeVaultRole { NoStore = false }, Profile, "no_store"),
            (new FakeVaultRole { GenerateLease = true }, Profile, "generate_lease"),
        };

        Assert.All(cases, one => Assert.Contains(one.Field, Assert.Single(Faults(one.Role, one.Profile)), StringComparison.Ordinal));
    }

    [Fact]
    public async Task FindFaultsAsync_GoesWithout_WhenThePolicyDoesNotLetUsReadRoles()
    {
        await using var world = await VaultWorld.StartAsync();
        var options = world.Options();
        options.Role = "forbidden";

        Assert.Empty(await world.Open(options).FindFaultsAsync(Profile, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task FindFaultsAsync_Throws_WhenThereIsNoSuchRole()
    {
        await using var world = await VaultWorld.StartAsync();
        var options = world.Options();
        options.Role = "nobody";

        await Assert.ThrowsAsync<IssuerMisconfiguredException>(
            () => world.Open(options).FindFaultsAsync(Profile, TestContext.Current.CancellationToken));
    }

    private static List<string> Faults(FakeVaultRole role, CertificateProfile profile, bool stored = false)
    {
        using var document = JsonDocument.Parse(role.ToJson().ToJsonString());
        return [.. new VaultRole("node", document.RootElement).FaultsFor(profile, stored)];
    }
}
