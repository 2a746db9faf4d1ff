using ControlPlane.Adapters.Fleet.Signing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Adapters.Tests.Fleet.Signing;

/// <summary>The AAA service's files of users, read as they are.</summary>
public sealed class UserListTests : IDisposable
{
    private const string Hash = "$2a$05$vi5MTBpDAyDeGbpBOIKJ1.fPucyzCCKNYXPtA78ndwcjuSqyEA3BO";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("controlplane-users-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Read_TakesAList_WithAllThatAUserMayHave()
    {
        var list = Read($$"""
            [{"username":"alice","password":"{{Hash}}","organization":"choria","acls":["rpcutil.*","package.status"],"opa_policy":"",
              "properties":{"group":"admins"},"broker_permissions":{"events_viewer":true,"signed_fleet_management":true},"comment":"kept"},
             {"username":"bob","password":"$2y$10${{Hash[7..]}}","opa_policy_file":"{{Write("bob.rego", "package io.choria.aaasvc")}}"}]
            """);

        var alice = list.Users["alice"];
        Assert.Equal(["rpcutil.*", "package.status"], alice.Acls);
        Assert.Equal("admins", alice.Properties!["group"]);
        Assert.True(alice.BrokerPermissions is { EventsViewer: true, SignedFleetManagement: true, FleetManagement: false });
        Assert.Equal("package io.choria.aaasvc", list.Users["bob"].OpaPolicy);
        Assert.Equal(10, list.Cost);
        Assert.DoesNotContain(Hash, alice.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_TakesTheConfigurationOfTheService_AndTheFileThatItNames()
    {
        var users = Write("users.json", $$"""[{"username":"carol","password":"{{Hash}}"}]""");

        var service = $$"""{"site":"x","userlist_authenticator":{"validity":"1h","users":[],"users_file":"{{users}}"} }""";
        Assert.Contains("carol", Read(service).Users.Keys);
        Assert.Contains("alice", UserList.Read([SigningStage.KeyFile("aaa", "aaa.json")], "choria", out _).Users.Keys);
    }

    [Theory]
    [InlineData("""[{"username":"alice","password":"pa55word"}]""", "no bcrypt hash")]
    [InlineData("""[{"username":"","password":"HASH"}]""", "username must be")]
    [InlineData("""[{"username":"alice","password":"$2a$31$vi5MTBpDAyDeGbpBOIKJ1.fPucyzCCKNYXPtA78ndwcjuSqyEA3BO"}]""", "cost of 31")]
    [InlineData("""[{"username":"alice","password":"HASH","acls":["rpcutil"]}]""", "'rpcutil' in acls")]
    [InlineData("""[{"username":"alice","password":"HASH","organization":"other"}]""", "organization 'other'")]
    [InlineData("""[{"username":"alice","password":"HASH"},{"username":"alice","password":"HASH"}]""", "listed before")]
    [InlineData("""[{"username":"alice","password":"HASH","opa_policy_file":"/nowhere"}]""", "/nowhere")]
    [InlineData("""[null]""", "null in the place")]
    [InlineData("""[{"username":"alice"}]""", "password")]
    [InlineData("""{"site":"x"}""", "userlist_authenticator")]
    [InlineData("""[""", "cannot be read")]
    public void Read_TellsEveryFault_WithItsFile(string json, string fault)
    {
        var file = Write("users.json", json.Replace("HASH", Hash, StringComparison.Ordinal));

        UserList.Read([file], "choria", out var faults);

        var told = Assert.Single(faults);
        Assert.Contains(fault, told, StringComparison.Ordinal);
        Assert.Contains(file, told, StringComparison.Ordinal);
        Assert.DoesNotContain("pa55word", told, StringComparison.Ordinal);
    }

    [Fact]
    public void Current_FollowsTheFile_AndKeepsTheLastGoodOne()
    {
        var file = Write("users.json", $$"""[{"username":"alice","password":"{{Hash}}"}]""");
        var time = new FakeTimeProvider();
        var lists = new UserLists(
            Options.Create(new ChoriaSigningOptions { UserFiles = [file] }), time, NullLogger<UserLists>.Instance);
        Assert.Contains("alice", lists.Current().Users.Keys);

        Write("users.json", "[{");
        time.Advance(TimeSpan.FromSeconds(3));
        Assert.Contains("alice", lists.Current().Users.Keys);

        Write("users.json", $$"""[{"username":"bob","password":"{{Hash}}"}]""");
        Assert.Contains("alice", lists.Current().Users.Keys);
        time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(["bob"], lists.Current().Users.Keys);
    }

    /// <summary>The work is counted, not timed: one user takes as many rounds as another, and as nobody.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(8)]
    public void Compare_TakesTheSameWork_WhoeverIsAsked(int costOfList)
    {
        Assert.True(PasswordCheck.Compare(Hash, "pa55word", costOfList, out var right));
        Assert.False(PasswordCheck.Compare(Hash, "wrong", costOfList, out var wrong));
        Assert.False(PasswordCheck.Compare(null, "pa55word", costOfList, out var nobody));

        Assert.Equal((1L << costOfList, 1L << costOfList, 1L << costOfList), (right, wrong, nobody));
    }

    private UserList Read(string json)
    {
        var list = UserList.Read([Write("read.json", json)], "choria", out var faults);
        Assert.Empty(faults);
        return list;
    }

    private string Write(string name, string content)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, content);
        return path;
    }
}
