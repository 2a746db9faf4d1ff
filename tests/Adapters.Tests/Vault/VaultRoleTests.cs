using System.Text.Json;
using ControlPlane.Adapters.Tests.Certificates;
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
            (new FakeVaultRole { NotAfter = "2030-01-01T00:00:00Z" }, Profile, "not_after"),
            (new FakeVaultRole { MaxTtl = TimeSpan.Zero }, Profile with { Lifetime = TimeSpan.FromDays(90) }, "max_lease_ttl"),
        };

        Assert.All(cases, one => Assert.Contains(one.Field, Assert.Single(Faults(one.Role, one.Profile)), StringComparison.Ordinal));
    }

    [Fact]
    public async Task FindFaultsAsync_ReadsWhatTheMountCutsOff()
    {
        await using var world = await VaultWorld.StartAsync();
        var options = world.Options();
        options.Role = "capped";
        var profile = Profile with { Lifetime = TimeSpan.FromDays(90) };

        var fault = Assert.Single(await world.Open(options).FindFaultsAsync(profile, TestContext.Current.CancellationToken));

        Assert.Contains("after 32.00:00:00, before Lifetime=90.00:00:00 (the mount's max_lease_ttl", fault, StringComparison.Ordinal);
        world.Vault.Pki.LeaseMax = TimeSpan.FromDays(3650);
        Assert.Empty(await world.Open(options).FindFaultsAsync(profile, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task AnOrder_ThatTheMountCutsOff_IsTheLastForAnHour_WhenThePolicyDoesNotLetUsReadIt()
    {
        await using var world = await VaultWorld.StartAsync();
        world.Vault.Pki.MayReadTune = false;
        var options = world.Options();
        options.Role = "capped";
        var issuer = world.Open(options);
        var profile = new CertificateProfile { Lifetime = TimeSpan.FromDays(90) };
        Assert.Empty(await issuer.FindFaultsAsync(profile, TestContext.Current.CancellationToken));
        using var orders = new IssuerOrders(issuer, lifetime: profile.Lifetime);

        var outcomes = await Task.WhenAll(
            Enumerable.Range(0, 30).Select(number => orders.IssueAsync(IssuerOrders.Order($"web{number}.example.net", number))));

        Assert.Equal(1, world.Vault.Pki.Issued);
        Assert.All(outcomes, outcome => Assert.Contains(
            "as was ordered", Assert.IsType<IssuanceOutcome.Deferred>(outcome).Reason, StringComparison.Ordinal));
        Assert.Equal(LedgerState.RevocationDue, Assert.Single(orders.Ledger.Entries, entry => entry.Certificate is not null).State);
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
        return [.. new VaultRole("node", document.RootElement).FaultsFor(profile, stored, TimeSpan.FromHours(768))];
    }
}
