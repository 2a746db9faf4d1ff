using System.Reflection;
using ControlPlane.Nodes;
using ControlPlane.Sites;

namespace ControlPlane.TestKit.Ports;

/// <summary>The ports of Grains: the interfaces by which it asks for what is outside.</summary>
public static class PortList
{
    private static readonly Assembly Grains = typeof(INodeAgent).Assembly;

    /// <summary>All of them: public, since adapters implement them, and no grains; not what adapters call.</summary>
    public static IReadOnlyList<Type> All { get; } =
    [
        .. Grains.GetExportedTypes().Where(
            type => type.IsInterface && type != typeof(ISiteChannel) && !typeof(IAddressable).IsAssignableFrom(type)),
    ];

    /// <summary>The classes of Grains and of every assembly of the product beside the caller's that implement one.</summary>
    public static IEnumerable<(Type Port, Type Implementation)> Implementations(IEnumerable<Assembly> assemblies) =>
        from assembly in assemblies.Append(Grains)
        from type in assembly.GetTypes()
        where type is { IsClass: true, IsAbstract: false }
        from port in All.Where(port => port.IsAssignableFrom(type))
        select (port, type);
}
