using ControlPlane.FleetSimulator;

return await FleetCommand.Create().Parse(args).InvokeAsync();
