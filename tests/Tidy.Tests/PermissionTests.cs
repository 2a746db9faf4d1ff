using System.Reflection;
using ControlPlane.Access;
using ControlPlane.Nodes;

namespace ControlPlane.Tidy.Tests;

/// <summary>That nothing can be called without a permission; routes are looked at in Cluster.Tests, where there is a server.</summary>
public sealed class PermissionTests
{
    [Fact]
    public void EveryPublicGrainMethod_DemandsAPermission()
    {
        var contracts = typeof(INodeGrain).Assembly.GetTypes();

        // It must have found what it speaks of.
        Assert.Contains(typeof(INodeGrain), contracts);
        Assert.Empty(PermissionCheck.Faults(contracts));
    }

    [Fact]
    public void EveryPermission_IsInTheListOnce()
    {
        var named = typeof(Permissions).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!);

        Assert.Equal(named.Order(StringComparer.Ordinal), Permissions.All.Order(StringComparer.Ordinal));
        Assert.All(Permissions.All, permission => Assert.Matches("^[a-z-]+(\\.[a-z-]+)+$", permission));
    }

    [Fact]
    public void PermissionCheck_FindsAMethodWithoutOne_AndOneThatThereIsNot() => Assert.Equal(
        [
            "IChecked.Open demands no permission: say which with Requires",
            "IChecked.Wrong demands 'nodes.reed', which is not among the permissions",
        ],
        PermissionCheck.Faults([typeof(IChecked), typeof(INotAGrain)]));

    /// <summary>A contract as it should not be.</summary>
    [Alias("Checked")]
    public interface IChecked : Orleans.Runtime.IAddressable
    {
        [Alias("Open")]
        void Open();

        [Alias("Wrong"), Requires("nodes.reed")]
        void Wrong();

        [Alias("Right"), Requires(Permissions.NodesRead)]
        void Right();
    }

    /// <summary>Nobody calls it from outside.</summary>
    public interface INotAGrain
    {
        void Anything();
    }
}
