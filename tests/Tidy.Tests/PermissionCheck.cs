using System.Reflection;
using ControlPlane.Access;

namespace ControlPlane.Tidy.Tests;

/// <summary>Everything that can be called demands a permission of the closed list.</summary>
internal static class PermissionCheck
{
    /// <summary>The public contracts' methods that demand none, or one that there is not.</summary>
    public static IEnumerable<string> Faults(IEnumerable<Type> types) =>
        from contract in types
        where contract.IsInterface && contract.IsVisible && typeof(Orleans.Runtime.IAddressable).IsAssignableFrom(contract)
        from method in contract.GetMethods()
        from fault in Faults($"{contract.Name}.{method.Name}", method.GetCustomAttribute<RequiresAttribute>())
        select fault;

    /// <summary>What is wrong with what a method or a route demands.</summary>
    public static IEnumerable<string> Faults(string name, RequiresAttribute? required)
    {
        if (required is null)
        {
            yield return $"{name} demands no permission: say which with Requires";
        }
        else if (!Permissions.All.Contains(required.Permission))
        {
            yield return $"{name} demands '{required.Permission}', which is not among the permissions";
        }
    }
}
